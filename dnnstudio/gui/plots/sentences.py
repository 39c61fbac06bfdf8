"""Display texts of numbers and losses in axes, legends and titles."""

from __future__ import annotations

from functools import cache

from dnnstudio.core.experiment.layers import Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.text import NBSP


def tick_numbers(values: list[float]) -> list[str]:
    """ "0.25", "0.50", "0.75": as many decimals as the finest needs; "1e-5" for tiny, "5e6" for large ones."""
    top = max(abs(value) for value in values)
    if top and (top < 1e-3 or top >= 1e6):
        return [_power(value) for value in values]
    decimals = max(len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values)
    return ["0" if value == 0 else f"{value:,.{decimals}f}" for value in values]


def short_number(value: float) -> str:
    """ "0.05", "1e-5", "12,000", "5e6": a number in as few characters as three digits need, and seven at most."""
    if value and not 1e-3 <= abs(value) < 999_999.5:
        return _power(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _power(value: float) -> str:
    """ "0", "1e-5", "1.5e6"."""
    if not value:
        return "0"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def short_numbers(values: list[float]) -> list[str]:
    """ "0", "0.025", "0.05": each tick label as short as possible; powers of ten if all are tiny, or some large."""
    if 1e-3 <= max(abs(value) for value in values) < 1e6:
        return [f"{value:,.6f}".rstrip("0").rstrip(".") for value in values]
    return [_power(value) for value in values]


def tick_shares(values: list[float]) -> list[str]:
    """ "90 %" with a no-break space, never "0.9"."""
    return [f"{value * 100:.4g}{NBSP}%" for value in values]


@cache
def _prices_of(kind: type[Layer]) -> tuple[str, ...]:
    """Asked of the class: what a record has not got takes pydantic long to say, and a stack may hold 1,000."""
    names = ("kernel_regularizer", "bias_regularizer", "activity_regularizer")
    return tuple(name for name in names if name in kind.model_fields)


def best_sentence(column: str) -> str:
    """By which column of the history the best epoch is chosen: another one may have a better figure elsewhere."""
    part, name = ("validation", column.removeprefix("val_")) if column.startswith("val_") else ("training", column)
    return f"The best epoch is chosen by the {part} {name}."


def loss_words(experiment: Experiment) -> str:
    """What the loss is made of, also before the data was read: cross-entropy + L2."""
    loss = LOSSES[resolve_loss(experiment, None)]
    drawn = isinstance(experiment.pretraining, Autoencoder)
    first = f"reconstruction: {loss.title.lower()}" if drawn else loss.caption
    prices: list[str] = []
    for layer in experiment.active_layers:
        for name in _prices_of(type(layer)):
            part = getattr(layer, name)
            prices += [one.upper() for one in ("l1", "l2") if getattr(part, one, None)]
    return " + ".join([first, *sorted(set(prices))])
