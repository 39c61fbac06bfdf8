"""Unsupervised pretraining: builds the network that is trained in place of the experiment's own.

Its lower layers, up to `until`, are the experiment's (the encoder); above them come mirrored layers that reconstruct
the input, or an output that predicts the image's rotation. A later transfer from the run reuses the encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import (
    AnyLayer,
    CurveLayer,
    Dense,
    Flatten,
    Layer,
    Reshape,
    Role,
    Shape,
    WeightedLayer,
    times,
)
from dnnstudio.core.experiment.layers.base import Activation
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.experiment.targets.losses import LOSSES, LossChoice
from dnnstudio.core.experiment.transfer import Autoencoder, Rotation
from dnnstudio.core.experiment.weights import GlorotUniform
from dnnstudio.core.planning.compatibility import default_transfer
from dnnstudio.core.text import count_of

ROTATIONS = ("0°", "90°", "180°", "270°")
"""The classes of the `Rotation` task."""
DECODER = "decoder"
"""Prefix of the mirrored layers' ids."""


@dataclass(frozen=True, slots=True)
class Block:
    """Encoder layers that are pretrained together, and their mirrored layers."""

    encoder: tuple[AnyLayer, ...]
    decoder: tuple[AnyLayer, ...]


def pretraining_experiment(experiment: Experiment, input_shape: Shape) -> Experiment:
    """The experiment that is actually trained if `pretraining` is set; for its own result it returns that result.

    Raises `UserError` if `until` is no enabled layer or the input does not suit the pretraining task.
    """
    rule = experiment.pretraining
    if rule is None:
        return experiment
    if isinstance(rule, Rotation):
        return _rotation(experiment, rule, input_shape)
    found = blocks(experiment, rule, input_shape)
    encoder = tuple(layer for block in found for layer in block.encoder)
    decoder = tuple(layer for block in reversed(found) for layer in block.decoder)
    return experiment.replaced(layers=(*encoder, *decoder), loss=_drawing_loss(experiment))


def trained_experiment(experiment: Experiment, input_shape: Shape | None) -> Experiment:
    """What is trained, for showing it: `pretraining_experiment`, or the experiment as it is where that cannot be made.

    What is wrong with it is the checks' to say. `input_shape` is None before the data was read.
    """
    if experiment.pretraining is None or input_shape is None:
        return experiment
    try:
        return pretraining_experiment(experiment, input_shape)
    except UserError:
        return experiment


def added_layers(experiment: Experiment, input_shape: Shape | None) -> tuple[LayerShape, ...]:
    """What a pretraining adds above its encoder, with shapes: the mirrored layers, or the output for the rotation.

    Empty without a pretraining, and where its network cannot be made yet.
    """
    trained = trained_experiment(experiment, input_shape)
    if experiment.pretraining is None or trained is experiment:
        return ()
    encoder = encoder_of(trained, experiment.pretraining.until)
    return infer_shapes(trained.active_layers, input_shape)[len(encoder) :]


def left_out(experiment: Experiment) -> frozenset[str]:
    """The ids of the layers above the encoder, which a pretraining does not train."""
    rule, layers = experiment.pretraining, experiment.active_layers
    if rule is None or rule.until not in {layer.id for layer in layers}:
        return frozenset()
    return frozenset(layer.id for layer in layers[len(encoder_of(experiment, rule.until)) :])


def encoder_of(experiment: Experiment, until: str) -> tuple[AnyLayer, ...]:
    """The enabled layers from the input up to `until`. Raises `UserError` if there is no such layer."""
    layers = experiment.active_layers
    ids = [layer.id for layer in layers]
    if until not in ids:
        raise UserError(
            f'Pretraining goes up to "{until}", but there is no such layer in use.', f"The layers are {', '.join(ids)}."
        )
    return layers[: ids.index(until) + 1]


def classifier_on(
    experiment: Experiment,
    input_shape: Shape,
    pretrained: Experiment,
    source: str | Path,
    *,
    classes: int,
    binary: bool,
) -> Experiment:
    """`experiment` as a classifier on the encoder of the pretrained run `source`: cloned, and frozen in the first
    phase.

    Its own layers stay if they fit. If it is the pretraining network itself, the layers above the encoder are replaced
    by a new output of `classes` (0: regression). Raises `UserError` if the encoder fits neither.
    """
    rule = pretrained.pretraining
    if rule is None:
        raise UserError("This run was not pretrained, so it has no encoder.", "Choose one that was.")
    encoder = encoder_of(pretrained, rule.until)
    layers = experiment.active_layers
    if layers == pretrained.active_layers:
        layers = (*encoder, *_output(encoder, input_shape, classes=classes, binary=binary))
        experiment = experiment.replaced(layers=layers)
    made = experiment.replaced(pretraining=None, transfer=None, loss="auto")
    above = Dense(id="above_the_encoder", units=1)  # a transfer never reuses the last layer of its source
    transfer = default_transfer(made, input_shape, source, (*encoder, above))
    wanted = sum(bool(row.variables) for row in infer_shapes(encoder, input_shape))
    if len(transfer.reuse) < wanted:
        raise UserError(
            f"Only {len(transfer.reuse)} of the encoder's {count_of(wanted, 'layer')} with weights fit the "
            "open network.",
            "Open the run's experiment first, and the network is built on its encoder.",
        )
    return made.replaced(transfer=transfer)


def _output(encoder: tuple[AnyLayer, ...], input_shape: Shape, *, classes: int, binary: bool) -> tuple[AnyLayer, ...]:
    """The output layers for the data's own task, on top of the encoder."""
    taken = {layer.id for layer in encoder}
    name = next(name for name in ("output", "answer", *(f"output_{n}" for n in range(2, 10_000))) if name not in taken)
    units, activation = (1, "sigmoid") if binary else (classes, "softmax") if classes else (1, None)
    top: AnyLayer = Dense(id=name, units=units, activation=activation)  # type: ignore[arg-type]
    shape = infer_shapes(encoder, input_shape)[-1].output_shape
    return (Flatten(id=f"{name}_flatten"), top) if shape is not None and len(shape) > 1 else (top,)


def block_count(experiment: Experiment, rule: Autoencoder) -> int:
    """The number of blocks that greedy pretraining trains one after the other."""
    ids = [layer.id for layer in experiment.active_layers]
    if rule.until not in ids:
        return 0
    return len(_groups(experiment.active_layers[: ids.index(rule.until) + 1]))


def blocks(experiment: Experiment, rule: Autoencoder, input_shape: Shape) -> tuple[Block, ...]:
    """The encoder in blocks from the input on, each with its mirror. Raises `UserError`."""
    encoder = encoder_of(experiment, rule.until)
    rows = {row.layer.id: row for row in infer_shapes(encoder, input_shape)}
    if broken := next((row for row in rows.values() if row.error), None):
        raise UserError(broken.error, "Change the layer or the one before it.")
    groups = _groups(encoder)
    if not groups:
        raise UserError(
            f'No layer up to "{rule.until}" has weights, so there is nothing to pretrain.', "Choose a later layer."
        )
    made: list[Block] = []
    for number, group in enumerate(groups, start=1):
        before: Activation | None = _activation(groups[number - 2]) if number > 1 else _drawing(experiment)
        mirror = _mirror([rows[layer.id] for layer in group], number, before, experiment)
        made.append(Block(group, mirror))
    return tuple(made)


def _groups(encoder: tuple[AnyLayer, ...]) -> list[tuple[AnyLayer, ...]]:
    """The encoder split before each Dense layer and each run of layers for images or series; layers without weights
    stay with the group.
    """
    groups: list[list[AnyLayer]] = [[]]
    last = ""
    for layer in encoder:
        kind = "picture" if layer.wants_images or layer.wants_series else "dense" if layer.role is Role.KERNEL else ""
        if kind:
            if last and not (kind == last == "picture"):
                groups.append([])
            last = kind
        groups[-1].append(layer)
    return [tuple(group) for group in groups] if last else []


def _mirror(
    rows: list[LayerShape], number: int, activation: Activation | None, experiment: Experiment
) -> tuple[AnyLayer, ...]:
    """Layers from the group's output shape back to its input shape; the last Dense has `activation`."""
    before, after = rows[0].input_shape, rows[-1].output_shape
    assert before is not None and after is not None, "the shapes were worked out"
    taken = {layer.id for layer in experiment.layers if not layer.id.startswith(f"{DECODER}_")}
    main = next((row.layer for row in rows if isinstance(row.layer, Dense)), None)
    drawn = GlorotUniform() if main is None else main.kernel_initializer

    def name(suffix: str = "") -> str:
        wanted = f"{DECODER}_{number}{suffix}"
        while wanted in taken:
            wanted += "_"
        return wanted

    made: list[AnyLayer] = [Dense(id=name(), units=prod(before), activation=activation, kernel_initializer=drawn)]
    if len(after) > 1:
        made.insert(0, Flatten(id=name("_flatten")))
    if len(before) > 1:
        made.append(Reshape(id=name("_shape"), target_shape=before))
    return tuple(made)


def _activation(group: tuple[AnyLayer, ...]) -> Activation | None:
    """The group's last activation, whether an option of a layer or a layer of its own."""
    found: Activation | None = None
    for layer in group:
        given = getattr(layer, "activation", None)
        if given is not None:
            found = given
        elif isinstance(layer, CurveLayer):
            found = layer.nearest_activation
    return found


def _drawing(experiment: Experiment) -> Activation | None:
    """The output activation of a reconstruction: sigmoid for unit scaling (0…1), linear otherwise."""
    return "sigmoid" if experiment.data.scaling == "unit" else None


def _drawing_loss(experiment: Experiment) -> LossChoice:
    """The experiment's loss if it can compare images, else one that suits the scaling."""
    if experiment.loss != "auto" and LOSSES[experiment.loss].task == "number":
        return experiment.loss
    return "binary_crossentropy" if experiment.data.scaling == "unit" else "mean_squared_error"


def _rotation(experiment: Experiment, rule: Rotation, input_shape: Shape) -> Experiment:
    if len(input_shape) not in (2, 3) or input_shape[0] != input_shape[1]:
        raise UserError(
            f"Rows of shape {times(input_shape)} cannot be turned by a quarter; that needs square pictures.",
            "Pretrain with an autoencoder, or choose square pictures.",
        )
    lower = encoder_of(experiment, rule.until)
    if not any(isinstance(layer, WeightedLayer) for layer in lower):
        raise UserError(
            f'No layer up to "{rule.until}" has weights, so there is nothing to pretrain.', "Choose a later layer."
        )
    rows = infer_shapes(lower, input_shape)
    if broken := next((row for row in rows if row.error), None):
        raise UserError(broken.error, "Change the layer or the one before it.")
    top: list[Layer] = []
    if len(rows[-1].output_shape or ()) > 1:
        top.append(Flatten(id="rotation_flatten"))
    top.append(Dense(id="rotation", units=len(ROTATIONS), activation="softmax"))
    return experiment.replaced(layers=(*lower, *top), loss="auto")
