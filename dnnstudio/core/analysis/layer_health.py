"""Diagnoses a deep network from its layers' figures: vanishing or exploding gradients, dead or saturated units, and
remedies.

`engine.training.layer_health` measures the figures on a small fixed batch; the thresholds and their meaning are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.analysis.checks.cures import SATURATING, set_activation, set_initializer, suited_initializer
from dnnstudio.core.analysis.checks.problem import Fix
from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.analysis.transformations import normalize_before_activations
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.optimizers import CLIPPINGS
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import OneCycle, Piecewise
from dnnstudio.core.experiment.weights import Initializer
from dnnstudio.core.text import listed, percent

Condition = Literal["healthy", "vanishing", "exploding", "dead", "saturated"]

VANISHED = 1e-3
"""A hidden layer's gradient, number by number, against the strongest one: below this its weights hardly move while
the others learn. In a healthy stack all layers lie within a factor of about ten (Glorot and Bengio, 2010, figure 7)."""
EXPLODED_GRADIENT = 1e3
"""Norm of a layer's gradient. A step of the usual rates, 0.001 to 0.1, along one of these moves every weight by more
than it weighs (Pascanu, Mikolov and Bengio, 2013, clip norms of 1 to 10 times the usual ones)."""
EXPLODED_ACTIVATION = 1e4
"""Standard deviation of a layer's outputs; the signal should keep about 1 from layer to layer (Glorot and Bengio)."""
DEAD_SHARE = 0.5
"""Of a layer's ReLU units that put out 0 for every row: with half of them gone it has half its size (Géron, chapter 11,
after He et al., 2015)."""
SATURATED_SHARE = 0.5
"""Of a layer's sigmoid or tanh outputs that lie in the flat ends of the curve."""
FLAT_END = 0.05
"""The flat ends: this share of the curve's height at the top and at the bottom. There a sigmoid's slope is less than a
fifth of its steepest."""
DYING = frozenset({"relu", "relu6"})
"""Activations whose units put out 0, without any slope, for good once no row reaches them."""


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """The figures of one layer; None for a figure that does not apply: no weights, frozen, no such activation."""

    id: str
    gradient_norm: float | None = None
    gradient_rms: float | None = None
    """Root mean square of the gradient's numbers: comparable between layers of any size."""
    update_ratio: float | None = None
    """Norm of the last step's change of the weights over the norm of the weights; about 0.001 is usual."""
    mean: float = 0.0
    std: float = 0.0
    histogram: tuple[int, ...] = ()
    """Counts of the outputs in equal bins from `low` to `high`."""
    low: float = 0.0
    high: float = 0.0
    dead: float | None = None
    """Share of the units that put out 0 for every row."""
    saturated: float | None = None
    """Share of the outputs in the flat ends of the curve."""
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The diagnosis. `short` fits the head of a card; `title` and `reason` make up an advice."""

    condition: Condition
    layers: tuple[str, ...] = ()
    short: str = ""
    title: str = ""
    reason: str = ""


LEARNS = "Every layer is learning."


def judge(layers: Sequence[LayerHealth]) -> Verdict:
    """The most urgent condition of the network; healthy if no figure passes its threshold."""
    for find in (_exploding, _saturated, _dead, _vanishing):
        verdict = find(layers)
        if verdict is not None:
            return verdict
    title = "Every layer that is not frozen is learning." if any(layer.frozen for layer in layers) else LEARNS
    return Verdict("healthy", short="no gradient vanishes or explodes", title=title)


def _exploding(layers: Sequence[LayerHealth]) -> Verdict | None:
    bad = [
        layer
        for layer in layers
        if not np.isfinite([layer.mean, layer.std, layer.gradient_norm or 0.0]).all()
        or (layer.gradient_norm or 0.0) > EXPLODED_GRADIENT
        or layer.std > EXPLODED_ACTIVATION
    ]
    if not bad:
        return None
    worst = max(bad, key=lambda layer: layer.gradient_norm or 0.0)
    figure = worst.gradient_norm
    words = f"The gradient of {worst.id} has the norm {figure:.3g}" if figure else f"The outputs of {worst.id} grow"
    return Verdict(
        "exploding",
        tuple(layer.id for layer in bad),
        f"{listed([layer.id for layer in bad])} exploding",
        "The gradients explode.",
        f"{words}: a step of the usual size throws the weights far off. A lower rate or a clipped gradient keeps "
        "the steps short.",
    )


def _saturated(layers: Sequence[LayerHealth]) -> Verdict | None:
    bad = [layer for layer in layers if (layer.saturated or 0.0) >= SATURATED_SHARE]
    if not bad:
        return None
    ids = tuple(layer.id for layer in bad)
    most = max(layer.saturated or 0.0 for layer in bad)
    return Verdict(
        "saturated",
        ids,
        f"{listed(ids)} saturated",
        "Units are saturated." if len(bad) > 1 else f"{ids[0]} is saturated.",
        f"Up to {percent(most)} of the outputs of {listed(ids)} lie in the flat ends of their curve, where hardly any "
        "gradient comes through (Glorot and Bengio, 2010).",
    )


def _dead(layers: Sequence[LayerHealth]) -> Verdict | None:
    bad = [layer for layer in layers if (layer.dead or 0.0) >= DEAD_SHARE]
    if not bad:
        return None
    ids = tuple(layer.id for layer in bad)
    most = max(layer.dead or 0.0 for layer in bad)
    return Verdict(
        "dead",
        ids,
        f"{listed(ids)} dead",
        "Units have died.",
        f"Up to {percent(most)} of the units of {listed(ids)} put out 0 for every row, and have no gradient that could "
        "bring them back. A curve with a slope below zero cannot die.",
    )


def _vanishing(layers: Sequence[LayerHealth]) -> Verdict | None:
    learning = [layer for layer in layers if layer.gradient_rms is not None]
    strongest = max((layer.gradient_rms or 0.0 for layer in learning), default=0.0)
    if len(learning) < 2 or strongest <= 0:
        return None
    bad = [layer for layer in learning if (layer.gradient_rms or 0.0) < VANISHED * strongest]
    if not bad:
        return None
    ids = tuple(layer.id for layer in bad)
    least = min(layer.gradient_rms or 0.0 for layer in bad) / strongest
    times = f"{1 / least:.0e}".replace("e+0", "e").replace("e+", "e") if least else "infinitely many"
    return Verdict(
        "vanishing",
        ids,
        f"{listed(ids)} vanishing",
        "The gradients vanish.",
        f"At {listed(ids)} they are up to {times} times weaker than where they are strongest, so those layers hardly "
        "learn.",
    )


def cures(verdict: Verdict, experiment: Experiment) -> tuple[Fix, ...]:
    """One-click edits against a condition, the first choice of Géron, chapter 11, first; only those that change
    something.
    """
    found: list[Fix] = []
    match verdict.condition:
        case "vanishing" | "saturated":
            found = [_use(experiment, "elu"), Fix("Add batch normalization", normalize_before_activations)]
        case "dead":
            found = [_use(experiment, "elu", only=DYING), lower_rate(experiment)]
        case "exploding":
            found = [clip_norm(), lower_rate(experiment), suited_initializers(experiment)]
    return applicable(found, experiment)


def applicable(fixes: Sequence[Fix], experiment: Experiment) -> tuple[Fix, ...]:
    """The fixes that can be applied and change something."""
    kept = []
    for fix in fixes:
        try:
            changes = fix.apply(experiment) != experiment
        except (UserError, ValueError):
            changes = False
        if changes:
            kept.append(fix)
    return tuple(kept)


def clip_norm(norm: float = 1.0) -> Fix:
    """Fix: clip each variable's gradient norm; a clipping that is already set stays."""

    def edit(experiment: Experiment) -> Experiment:
        optimizer = experiment.optimizer
        if any(getattr(optimizer, name) is not None for name in CLIPPINGS):
            return experiment
        return experiment.replaced(optimizer=optimizer.replaced(clipnorm=norm))

    return Fix(f"Clip the gradient norm at {norm:g}", edit)


def lower_rate(experiment: Experiment, broke_off_at: float | None = None) -> Fix:
    """Fix: a tenth of the schedule's highest rate, or the optimizer's usual rate if that is lower.

    `broke_off_at` is the rate at which a training diverged: where a schedule with rates of its own would have gone
    higher still, all that is above a tenth of that rate is too much (Smith, 2015: a tenth of where the loss climbs).
    """
    schedule, optimizer = experiment.schedule, experiment.optimizer
    share = 0.1
    if broke_off_at is not None and schedule.own_rates:
        share = min(broke_off_at / max(schedule.own_rates), 1.0) / 10
    if isinstance(schedule, OneCycle):
        highest = float(f"{schedule.max_rate * share:.2g}")
        return Fix(
            f"Lower the maximum rate to {highest:g}",
            lambda e: e.replaced(schedule=schedule.replaced(max_rate=highest, start_rate=None, last_rate=None)),
        )
    if isinstance(schedule, Piecewise):
        rates = tuple(float(f"{rate * share:.6g}") for rate in schedule.rates_between)
        return Fix(
            f"Divide all rates by {1 / share:.3g}",
            lambda e: e.replaced(schedule=schedule.replaced(rates_between=rates)),
        )
    usual = float(type(optimizer).model_fields["learning_rate"].default)
    rate = float(f"{min(optimizer.learning_rate / 10, usual):.2g}")
    return Fix(f"Lower the rate to {rate:g}", lambda e: e.replaced(optimizer=e.optimizer.replaced(learning_rate=rate)))


def suited_initializers(experiment: Experiment) -> Fix:
    """Fix: initialize every hidden layer with the method that suits its activation: He, LeCun or Glorot."""
    stack = Stack(experiment, None)
    changes: dict[str, Initializer] = {}
    for index in stack.hidden:
        suited = suited_initializer(stack.activations.get(index, ("", 0))[0])
        entry = stack.entries[index]
        family = type(suited).__name__.removesuffix("Normal").removesuffix("Uniform")
        if not type(entry.layer.kernel_initializer).__name__.startswith(family):
            changes[entry.id] = suited

    def edit(given: Experiment) -> Experiment:
        present = {layer.id for layer in given.layers}
        for layer_id, initializer in changes.items():
            given = set_initializer([layer_id], initializer)(given) if layer_id in present else given
        return given

    words = sorted({initializer.label for initializer in changes.values()}) or ["He normal"]
    return Fix(f"Draw the weights by {' and '.join(words)}", edit)


def _use(experiment: Experiment, activation: str, *, only: frozenset[str] = frozenset()) -> Fix:
    """Fix: use this activation, with its suitable initializer, in the hidden layers (in those with one of `only`)."""
    stack = Stack(experiment, None)
    wanted = only or SATURATING
    positions = [index for index in stack.hidden if stack.activations.get(index, ("", 0))[0] in wanted]
    if not positions and not only:
        positions = list(stack.hidden)
    label = f"Use {activation.upper()} with {suited_initializer(activation).label}"
    return Fix(label, set_activation(stack, positions, activation) if positions else lambda e: e)


def histogram_of(values: NDArray[np.floating], bins: int = 24) -> tuple[tuple[int, ...], float, float]:
    """Histogram of the finite `values` [...]: counts in `bins` equal bins between their minimum and maximum, and these
    two.

    A single bin if all values are equal; no bins, 0 and 0 if none is finite.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return (), 0.0, 0.0
    low, high = float(finite.min()), float(finite.max())
    if low == high:
        return (int(finite.size),), low, high
    counts, _ = np.histogram(finite, bins=bins, range=(low, high))
    return tuple(int(count) for count in counts), low, high
