"""The mirrored decoder and the rotation task, for stacks of every shape."""

from __future__ import annotations

from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Activation as ActivationLayer
from dnnstudio.core.experiment.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Reshape,
)
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.experiment.transfer import Autoencoder, Rotation
from dnnstudio.core.experiment.weights import HeNormal
from dnnstudio.core.planning.pretraining import block_count, classifier_on, pretraining_experiment

OUTPUT = Dense(id="output", units=10, activation="softmax")
DENSE = (
    Flatten(id="flatten"),
    BatchNormalization(id="bn"),
    Dense(id="one", units=30, kernel_initializer=HeNormal()),
    ActivationLayer(id="act", activation="elu"),
    Dropout(id="drop", rate=0.2),
    Dense(id="two", units=10, activation="relu"),
    OUTPUT,
)
STACKS: dict[str, tuple[tuple[Any, ...], str, tuple[int, ...]]] = {
    "dense": (DENSE, "two", (8, 8)),
    "one layer of it": (DENSE, "drop", (8, 8)),
    "table": ((Dense(id="one", units=3), OUTPUT), "one", (5,)),
    "rows of pixels": ((Dense(id="one", units=3), Flatten(id="flat"), OUTPUT), "one", (8, 8)),
    "reshaped": ((Dense(id="one", units=12), Reshape(id="shape", target_shape=(3, 4)), OUTPUT), "shape", (5,)),
    "pictures": (
        (
            Reshape(id="shape", target_shape=(8, 8, 1)),
            Conv2D(id="conv_1", filters=4, kernel_size=(3, 3)),
            MaxPooling2D(id="pool"),
            Conv2D(id="conv_2", filters=6, kernel_size=(3, 3)),
            GlobalAveragePooling2D(id="mean"),
            Dense(id="code", units=5),
            OUTPUT,
        ),
        "code",
        (8, 8),
    ),
}  # fmt: skip


def pretrained(name: str, **changes: Any) -> tuple[Experiment, Experiment, tuple[int, ...]]:
    layers, until, shape = STACKS[name]
    given = Experiment(layers=layers, pretraining=Autoencoder(until=until, **changes))
    return given, pretraining_experiment(given, shape), shape


@pytest.mark.parametrize("name", STACKS)
def test_the_decoder_draws_rows_of_the_input_s_shape(name: str) -> None:
    given, made, shape = pretrained(name)
    rows = infer_shapes(made.layers, shape)
    assert all(not row.error for row in rows)
    assert rows[-1].output_shape == shape
    assert made.layers[: len(given.layers)] != given.layers
    assert "output" not in [layer.id for layer in made.layers]


@pytest.mark.parametrize("name", STACKS)
def test_pretraining_what_was_made_for_pretraining_changes_nothing(name: str) -> None:
    _, made, shape = pretrained(name)
    assert pretraining_experiment(made, shape) == made


def test_the_mirror_undoes_layer_after_layer() -> None:
    _, made, _ = pretrained("dense")
    decoder = made.layers[6:]
    assert [(layer.kind, layer.id) for layer in decoder] == [
        ("dense", "decoder_2"),
        ("dense", "decoder_1"),
        ("reshape", "decoder_1_shape"),
    ]
    two, one = decoder[0], decoder[1]
    assert isinstance(two, Dense) and isinstance(one, Dense)
    assert (two.units, two.activation) == (30, "elu")
    assert (one.units, one.activation, one.kernel_initializer) == (64, "sigmoid", HeNormal())


def test_what_is_drawn_fits_the_scaling() -> None:
    given, made, shape = pretrained("dense")
    assert made.loss == "binary_crossentropy"
    other = pretraining_experiment(given.replaced(data=Data(source=Digits(), scaling="standardize")), shape)
    assert other.loss == "mean_squared_error"
    last = other.layers[-2]
    assert isinstance(last, Dense)
    assert last.activation is None
    own = pretraining_experiment(given.replaced(loss="mean_absolute_error"), shape)
    assert own.loss == "mean_absolute_error"


@pytest.mark.parametrize(("name", "count"), [("dense", 2), ("one layer of it", 1), ("pictures", 2)])
def test_blocks_are_counted(name: str, count: int) -> None:
    given, _, _ = pretrained(name)
    assert isinstance(given.pretraining, Autoencoder)
    assert block_count(given, given.pretraining) == count


def test_rotation_puts_four_answers_on_the_lower_layers() -> None:
    given = Experiment(layers=DENSE, pretraining=Rotation(until="one"))
    made = pretraining_experiment(given, (8, 8))
    assert [layer.id for layer in made.layers] == ["flatten", "bn", "one", "rotation"]
    last = made.layers[-1]
    assert isinstance(last, Dense)
    assert (last.units, last.activation) == (4, "softmax")
    assert pretraining_experiment(made, (8, 8)) == made


@pytest.mark.parametrize(
    ("rule", "shape", "words"),
    [
        (Autoencoder(until="nowhere"), (8, 8), 'up to "nowhere", but there is no such layer'),
        (Rotation(until="nowhere"), (8, 8), 'up to "nowhere", but there is no such layer'),
        (Autoencoder(until="flatten"), (8, 8), "has weights"),
        (Rotation(until="flatten"), (8, 8), "has weights"),
        (Rotation(until="one"), (8, 6), "8 × 6 cannot be turned"),
        (Rotation(until="one"), (64,), "64 cannot be turned"),
    ],
)
def test_what_cannot_be_pretrained_is_said(rule: Any, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        pretraining_experiment(Experiment(layers=DENSE, pretraining=rule), shape)


# ------------------------------------------------------------------------------------------- the classifier on it


def test_the_classifier_starts_from_the_whole_encoder() -> None:
    before, derived, shape = pretrained("dense")
    made = classifier_on(before, shape, derived, "run", classes=10, binary=False)
    assert made.layers == before.layers and made.pretraining is None and made.loss == "auto"
    assert made.transfer is not None and made.transfer.source == "run"
    assert [item.layer for item in made.transfer.reuse] == ["bn", "one", "two"]
    assert made.transfer.phases[0].frozen == ("bn", "one", "two") and made.transfer.phases[1].frozen == ()


@pytest.mark.parametrize(
    ("classes", "binary", "units", "activation"),
    [(10, False, 10, "softmax"), (2, True, 1, "sigmoid"), (0, False, 1, None)],
)
def test_the_pretraining_network_gets_an_output_for_its_task(
    classes: int, binary: bool, units: int, activation: str | None
) -> None:
    _, derived, shape = pretrained("dense")
    made = classifier_on(derived, shape, derived, "run", classes=classes, binary=binary)
    assert [layer.id for layer in made.layers[:6]] == [layer.id for layer in DENSE[:6]]
    (output,) = made.layers[6:]
    assert isinstance(output, Dense) and (output.units, output.activation) == (units, activation)


def test_an_encoder_of_pictures_is_flattened_before_the_output() -> None:
    before, _, shape = pretrained("pictures")
    derived = pretraining_experiment(before.replaced(pretraining=Autoencoder(until="pool")), shape)
    made = classifier_on(derived, shape, derived, "run", classes=10, binary=False)
    assert [layer.kind for layer in made.layers] == ["reshape", "conv2d", "max_pooling2d", "flatten", "dense"]


def test_an_encoder_that_does_not_fit_is_said() -> None:
    before, derived, shape = pretrained("dense")
    narrow = before.replaced(layers=(*DENSE[:5], Dense(id="two", units=9), OUTPUT))
    with pytest.raises(UserError, match="Only 2 of the encoder's 3 layers with weights fit"):
        classifier_on(narrow, shape, derived, "run", classes=10, binary=False)
    with pytest.raises(UserError, match="was not pretrained"):
        classifier_on(before, shape, before.replaced(pretraining=None), "run", classes=10, binary=False)
