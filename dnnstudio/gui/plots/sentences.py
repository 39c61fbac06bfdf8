"""Display texts of numbers and losses in axes, legends and titles."""

from __future__ import annotations

from functools import cache
from math import isfinite

from dnnstudio.core.experiment.layers import Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.text import NBSP
from dnnstudio.core.ticks import MOST_DIGITS, told_apart
from dnnstudio.gui.plots.curves import Curves


def tick_numbers(values: list[float]) -> list[str]:
    """ "0.25", "0.50", "0.75": as many decimals as the finest needs; "1e-5" for tiny, "5e6" for large ones."""
    top = max((abs(value) for value in values), default=0.0)
    if top and not 1e-3 <= top < 1e6:
        return told_apart(values, _power, 2, MOST_DIGITS)
    decimals = max((len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values), default=0)
    return told_apart(values, _decimals, decimals, MOST_DIGITS)


def _decimals(value: float, digits: int) -> str:
    return "0" if value == 0 else f"{value:,.{digits}f}"


def short_number(value: float) -> str:
    """ "0.05", "1e-5", "12,000", "5e6": a number in as few characters as three digits need, and seven at most."""
    if value and not 1e-3 <= abs(value) < 999_999.5:
        return _power(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _power(value: float, digits: int = 2) -> str:
    """ "0", "1e-5", "1.5e6", with so many `digits` behind the point at most; "nan" and "inf" as they are."""
    if not value:
        return "0"
    if not isfinite(value):
        return f"{value}"
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def short_numbers(values: list[float]) -> list[str]:
    """ "0", "0.025", "0.05": each tick label as short as possible; powers of ten if all are tiny, or some large."""
    if 1e-3 <= max((abs(value) for value in values), default=0.0) < 1e6:
        return told_apart(values, _shortest, 6, MOST_DIGITS)
    return told_apart(values, _power, 2, MOST_DIGITS)


def _shortest(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".")


def tick_shares(values: list[float]) -> list[str]:
    """ "90 %" with a no-break space, never "0.9"."""
    return [f"{words}{NBSP}%" for words in told_apart([value * 100 for value in values], _digits, 4, MOST_DIGITS)]


def _digits(value: float, digits: int) -> str:
    return f"{value:.{digits}g}"


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


def count_words(curves: Curves, epoch: float) -> str:
    """ ", n = 4" where a mean over seeds lacks some: those that ended before, or have not come as far."""
    count = curves.members_at(epoch)
    return f", n = {count}" if count < curves.members else ""
