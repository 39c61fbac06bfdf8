"""Transformations of the whole stack, each as one edit and one undo step.

They are the changes that Géron's chapter 11 makes to a network. `TRANSFORMATIONS` is the table behind the menu; each
entry takes the selected layers' names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.edits import change_layers, fresh_id, ids_of, new_layer, with_layers
from dnnstudio.core.experiment.layers import KERNEL_OPTIONS, BatchNormalization, Layer, Role, WeightedLayer
from dnnstudio.core.experiment.record import Experiment


def hidden_layers(experiment: Experiment) -> tuple[str, ...]:
    """The names of the enabled dense and convolutional layers before the last one, the output."""
    weighted = [layer.id for layer in experiment.layers if layer.enabled and layer.role is Role.KERNEL]
    return tuple(weighted[:-1])


def normalize_before_activations(experiment: Experiment) -> Experiment:
    """Batch normalization between each hidden layer's weighted sum and its activation.

    The activation moves to a layer of its own and the bias is dropped, because batch normalization adds an offset
    anyway. A batch normalization right after the activation is moved, not duplicated.
    """
    taken = set(ids_of(experiment))

    def normalize(head: Any, tail: list[Layer]) -> list[Layer]:
        place = _first_activation(tail)
        if _activates(head):
            norm = _take_normalization(tail, 0) or _fresh(experiment, taken, "batch_normalization")
            return [_bare(head), norm, _fresh(experiment, taken, "activation", activation=head.activation), *tail]
        if place is None:
            return [head, *tail]
        if not any(_normalizes(layer) for layer in tail[:place]):
            norm = _take_normalization(tail, place + 1) or _fresh(experiment, taken, "batch_normalization")
            tail.insert(place, norm)
        return [_bare(head), *tail]

    return _each_hidden(experiment, normalize)


def normalize_after_activations(experiment: Experiment) -> Experiment:
    """Batch normalization right after each hidden layer's activation.

    A batch normalization before the activation is moved, and the layer before it gets its bias back.
    """
    taken = set(ids_of(experiment))

    def normalize(head: Any, tail: list[Layer]) -> list[Layer]:
        place = -1 if _activates(head) else _first_activation(tail)
        if place is None or _is_normalization_next(tail, place + 1):
            return [head, *tail]
        before = next((index for index in range(max(place, 0)) if _normalizes(tail[index])), None)
        if before is None:
            tail.insert(place + 1, _fresh(experiment, taken, "batch_normalization"))
            return [head, *tail]
        tail.insert(place, tail.pop(before))
        return [head.replaced(use_bias=True), *tail]

    return _each_hidden(experiment, normalize)


def add_dropout(experiment: Experiment, *, rate: float = 0.2, kind: str = "") -> Experiment:
    """Dropout before every dense layer that has none directly before it.

    Alpha dropout if the network's hidden layers use SELU, unless `kind` says otherwise.
    """
    if not any(layer.enabled and layer.kind == "dense" for layer in experiment.layers):
        raise UserError("There is no Dense layer to put dropout before.", "Add a Dense layer first.")
    kind = kind or ("alpha_dropout" if _is_selu(experiment) else "dropout")
    taken = set(ids_of(experiment))
    rows: list[Layer] = []
    before: Any = None
    for layer in experiment.layers:
        if layer.enabled and layer.kind == "dense" and (before is None or not before.is_dropout):
            rows.append(_fresh(experiment, taken, kind, rate=rate))
        rows.append(layer)
        before = layer if layer.enabled else before
    return with_layers(experiment, rows)


def make_dropout_monte_carlo(experiment: Experiment, *, on: bool = True) -> Experiment:
    """Make every dropout layer active during prediction (or not, with `on` false)."""
    dropouts = [layer.id for layer in experiment.layers if layer.is_dropout]
    if not dropouts:
        raise UserError("There is no dropout in the stack.", "Add dropout before every Dense layer first.")
    return change_layers(experiment, dropouts, monte_carlo=on)


def freeze_up_to(experiment: Experiment, layer_id: str) -> Experiment:
    """Freeze every layer with weights from the input to this one, and unfreeze those after it."""
    names = ids_of(experiment)
    if layer_id not in names:
        raise UserError(f'There is no layer "{layer_id}".', "It may have been removed or renamed.")
    last = names.index(layer_id)
    rows: list[Layer] = []
    for index, layer in enumerate(experiment.layers):
        wanted = index > last
        if isinstance(layer, WeightedLayer) and layer.trainable != wanted:
            layer = layer.replaced(trainable=wanted)
        rows.append(layer)
    return with_layers(experiment, rows)


def unfreeze_all(experiment: Experiment) -> Experiment:
    """Make every layer trainable."""
    frozen = [layer.id for layer in experiment.layers if isinstance(layer, WeightedLayer) and not layer.trainable]
    return change_layers(experiment, frozen, trainable=True) if frozen else experiment


def set_hidden_options(experiment: Experiment, **options: Any) -> Experiment:
    """Set the same activation, initializer, regularizer, … in every hidden layer."""
    hidden = hidden_layers(experiment)
    if not hidden:
        raise _no_hidden("set options on")
    return change_layers(experiment, hidden, **options)


def spread_options(experiment: Experiment, layer_id: str) -> Experiment:
    """Copy this hidden layer's options to every other one: all of `KERNEL_OPTIONS`, but not its size."""
    model = next((layer for layer in experiment.layers if layer.id == layer_id), None)
    if model is None or model.role is not Role.KERNEL:
        raise UserError("Only a Dense or convolutional layer has options to share.", "Select one of these.")
    options = {name: getattr(model, name) for name in KERNEL_OPTIONS}
    return set_hidden_options(experiment, **options)


@dataclass(frozen=True, slots=True)
class Transformation:
    """A menu entry. `apply` takes the experiment and the selected layers' names; `needs` says how many of these it
    uses: none, or the last one.
    """

    name: str
    label: str
    help: str
    apply: Callable[[Experiment, tuple[str, ...]], Experiment]
    needs: int = 0


def _last(function: Callable[[Experiment, str], Experiment]) -> Callable[[Experiment, tuple[str, ...]], Experiment]:
    def apply(experiment: Experiment, ids: Iterable[str]) -> Experiment:
        chosen = set(ids)
        inside = [name for name in ids_of(experiment) if name in chosen]
        if not inside:
            raise UserError("No layer is selected.", "Select a layer first.")
        return function(experiment, inside[-1])

    return apply


TRANSFORMATIONS: tuple[Transformation, ...] = (
    Transformation(
        "normalize_before",
        "Batch normalization before every activation",
        "Moves each hidden activation to a layer of its own, normalizes before it and drops the bias.",
        lambda experiment, _: normalize_before_activations(experiment),
    ),
    Transformation(
        "normalize_after",
        "Batch normalization after every activation",
        "Normalizes what each hidden layer puts out.",
        lambda experiment, _: normalize_after_activations(experiment),
    ),
    Transformation(
        "add_dropout",
        "Dropout before every Dense",
        "Puts dropout 0.2 before every Dense layer; alpha dropout in a SELU network.",
        lambda experiment, _: add_dropout(experiment),
    ),
    Transformation(
        "monte_carlo",
        "Make all dropout Monte Carlo",
        "Dropout stays on when predicting, so that predictions show how sure the network is.",
        lambda experiment, _: make_dropout_monte_carlo(experiment),
    ),
    Transformation(
        "freeze",
        "Freeze up to here",
        "Layers from the input to this one keep their weights; those after it learn.",
        _last(freeze_up_to),
        needs=1,
    ),
    Transformation("unfreeze", "Unfreeze all", "Every layer learns.", lambda experiment, _: unfreeze_all(experiment)),
    Transformation(
        "spread",
        "Same options on all hidden layers",
        "Copies this layer's activation, initializer, regularizers and constraints to every hidden layer.",
        _last(spread_options),
        needs=1,
    ),
)


def _each_hidden(experiment: Experiment, change: Callable[[Any, list[Layer]], list[Layer]]) -> Experiment:
    """Rebuild the stack: `change` gets each hidden layer with the layers up to the next one with a kernel."""
    hidden = set(hidden_layers(experiment))
    if not hidden:
        raise _no_hidden("normalize")
    rows: list[Layer] = []
    head: Layer | None = None
    tail: list[Layer] = []
    for layer in (*experiment.layers, None):
        if layer is None or (layer.role is Role.KERNEL and layer.enabled):
            rows += tail if head is None else change(head, tail)
            head, tail = None, []
            if layer is not None and layer.id in hidden:
                head = layer
                continue
        if layer is not None:
            tail.append(layer)
    return with_layers(experiment, rows)


def _first_activation(tail: list[Layer]) -> int | None:
    return next((index for index, layer in enumerate(tail) if layer.enabled and _activates(layer)), None)


def _take_normalization(tail: list[Layer], start: int) -> Layer | None:
    """Remove the next batch normalization from `tail`, if there is one, and return it."""
    for index in range(start, len(tail)):
        if _normalizes(tail[index]):
            return tail.pop(index)
        if tail[index].enabled:
            return None
    return None


def _is_normalization_next(tail: list[Layer], start: int) -> bool:
    after = next((layer for layer in tail[start:] if layer.enabled), None)
    return after is not None and _normalizes(after)


def _normalizes(layer: Layer) -> bool:
    return isinstance(layer, BatchNormalization) and layer.enabled


def _bare(layer: Layer) -> Layer:
    """The weighted layer without activation and bias."""
    return layer.replaced(activation=None, use_bias=False)


def _fresh(experiment: Experiment, taken: set[str], kind: str, **given: Any) -> Layer:
    layer = new_layer(experiment, kind, id=fresh_id(taken, kind), **given)
    taken.add(layer.id)
    return layer


def _activates(layer: Layer) -> bool:
    """Whether this layer itself applies an activation."""
    return bool(layer.own_activation())


def _activated_later(experiment: Experiment, index: int) -> bool:
    """Whether a separate layer applies the activation before the next weighted layer."""
    for layer in experiment.layers[index + 1 :]:
        if layer.enabled and layer.role is Role.KERNEL:
            return False
        if layer.enabled and layer.role is Role.ACTIVATION:
            return True
    return False


def _is_selu(experiment: Experiment) -> bool:
    return any(getattr(layer, "activation", None) == "selu" and layer.enabled for layer in experiment.layers)


def _no_hidden(what: str) -> UserError:
    return UserError(f"There are no hidden layers to {what}.", "Add a Dense layer before the output first.")
