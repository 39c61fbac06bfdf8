"""Decides which layers of a trained network can be reused in a new one, from their shapes alone, before any training.

The dialog shows the result, the checks report what does not fit, and the engine transfers exactly these layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import AnyLayer, Layer, Shape, times
from dnnstudio.core.experiment.optimizers import SGD, AnyOptimizer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer

Mode = Literal["clone", "share"]
FROZEN_EPOCHS = 4
UNFROZEN_EPOCHS = 16
PLAIN_SGD_RATE = 0.01
UNFROZEN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Pair:
    """A layer of the new network, the source layer it starts from, and the mode (cloned or shared)."""

    layer: LayerShape
    source: LayerShape
    mode: Mode


def reuse_pairs(
    experiment: Experiment, input_shape: Shape, source_layers: Sequence[AnyLayer], source_shape: Shape
) -> tuple[Pair, ...]:
    """The pairs of `experiment.transfer.reuse` that have weights. Raises `UserError` for pairs that do not fit."""
    reuse = experiment.transfer.reuse if experiment.transfer is not None else ()
    if source_shape != input_shape:
        raise UserError(
            f"The source reads rows of {times(source_shape)}, but this data has {times(input_shape)}.",
            "Choose a source that was trained on rows of the same shape.",
        )
    ours, theirs = _rows(experiment.active_layers, input_shape), _rows(source_layers, source_shape)
    pairs: list[Pair] = []
    for item in reuse:
        if item.layer not in ours:
            raise UserError(_unknown(item.layer, "this network"), f"Its layers are {', '.join(ours)}.")
        if item.source not in theirs:
            raise UserError(_unknown(item.source, "the source"), f"Its layers are {', '.join(theirs)}.")
        pair = Pair(ours[item.layer], theirs[item.source], item.mode)
        if difference := misfit(pair.layer, pair.source):
            raise UserError(f"{difference}.", "Reuse layers of the same kind and size, or leave this one new.")
        if item.mode == "share" and (reason := unshareable(pair.layer.layer, pair.source.layer)):
            raise UserError(f"{reason}.", "Clone it, or make the two alike.")
        if pair.layer.variables:
            pairs.append(pair)
    if not pairs:
        raise UserError("Nothing is reused: no reused layer has weights.", "Choose at least one layer with weights.")
    return tuple(pairs)


def misfit(layer: LayerShape, source: LayerShape) -> str:
    """Why a layer cannot take the weights of another, naming both; empty if it can."""
    names = f"{layer.layer.id} cannot take over {source.layer.id}"
    if [v.name for v in layer.variables] != [v.name for v in source.variables]:
        return f"{names}: {_holds(layer)}, but {_holds(source)}"
    for ours, theirs in zip(layer.variables, source.variables, strict=True):
        if ours.shape != theirs.shape:
            return f"{names}: its {ours.name} is {times(ours.shape)}, but {times(theirs.shape)} in the source"
    return ""


def unshareable(layer: Layer, source: Layer) -> str:
    """Why two layers of equal shapes cannot be the same layer; empty if they can."""
    if layer.id != source.id:
        return f"A shared layer is one layer with one name, but it is {layer.id} here and {source.id} in the source"
    for name in type(layer).model_fields:
        ours, theirs = getattr(layer, name), getattr(source, name, None)
        if name not in ("trainable", "enabled") and ours != theirs:
            title = (type(layer).model_fields[name].title or name).lower()
            return f"{layer.id} is shared, but its {title} is not the same in both networks"
    return ""


def default_transfer(
    experiment: Experiment,
    input_shape: Shape,
    source: str | Path,
    source_layers: Sequence[AnyLayer],
    *,
    mode: Mode = "clone",
    epochs: tuple[int, int] = (FROZEN_EPOCHS, UNFROZEN_EPOCHS),
) -> Transfer:
    """Reuse all layers but the output, as far as they fit one after the other from the input on.

    They are frozen for `epochs[0]` epochs, then trained for `epochs[1]` at a lower rate. Raises `UserError` if not even
    the first layer fits.
    """
    ours = [row for row in infer_shapes(experiment.active_layers, input_shape) if row.variables][:-1]
    theirs = [row for row in infer_shapes(source_layers, input_shape) if row.variables][:-1]
    reuse: list[Reuse] = []
    for layer, found in zip(ours, theirs, strict=False):
        if misfit(layer, found) or (mode == "share" and unshareable(layer.layer, found.layer)):
            break
        reuse.append(Reuse(layer=layer.layer.id, source=found.layer.id, mode=mode))
    if not reuse:
        raise UserError(
            "Nothing can be reused: not even the first layers of the two networks fit.",
            "Build the network from the source's layers.",
        )
    frozen = tuple(item.layer for item in reuse)
    first, second = default_rates(experiment.optimizer)
    own = None if first == experiment.optimizer.learning_rate else first
    phases = (
        Phase(epochs=epochs[0], frozen=frozen, learning_rate=own),
        Phase(epochs=epochs[1], learning_rate=second),
    )
    return Transfer(source=str(source), reuse=tuple(reuse), phases=phases)


def default_rates(optimizer: AnyOptimizer) -> tuple[float, float]:
    """Learning rates of the frozen and of the unfrozen phase; the second is 0.3 times the first.

    While all but the output is frozen, plain SGD gets at least Keras's default rate of 0.01: at 0.001 a new output has
    barely learnt anything after 4 epochs of 200 images, and an unfrozen phase at a tenth of that cannot make up for it.
    """
    first = optimizer.learning_rate
    if isinstance(optimizer, SGD) and not optimizer.momentum:
        first = max(first, PLAIN_SGD_RATE)
    return first, round(first * UNFROZEN_SHARE, 12)


def _rows(layers: Sequence[AnyLayer], shape: Shape) -> dict[str, LayerShape]:
    active = tuple(layer for layer in layers if layer.enabled)
    return {row.layer.id: row for row in infer_shapes(active, shape)}


def _unknown(name: str, where: str) -> str:
    return f'The transfer names the layer "{name}", but {where} has no such layer in use.'


def _holds(row: LayerShape) -> str:
    if not row.variables:
        return f"{row.layer.id} ({row.layer.label}) has no weights"
    return f"{row.layer.id} ({row.layer.label}) has {' and '.join(v.name for v in row.variables)}"
