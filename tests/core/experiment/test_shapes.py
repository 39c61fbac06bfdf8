"""Shapes and parameter counts, against the chapter's figures and by hand. (Against Keras: tests/engine.)"""

from __future__ import annotations

import pytest

from dnnstudio.core.experiment.layers import (
    LAYER_KINDS,
    ActivityRegularization,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Layer,
    MaxPooling2D,
    PReLU,
    Reshape,
    Shape,
)
from dnnstudio.core.experiment.shapes import infer_shapes, totals

CHAPTER: tuple[Layer, ...] = (
    Flatten(id="flat"),
    BatchNormalization(id="bn_1"),
    Dense(id="dense_1", units=300),
    BatchNormalization(id="bn_2"),
    Dense(id="dense_2", units=100),
    BatchNormalization(id="bn_3"),
    Dense(id="output", units=10),
)


def test_the_chapters_network_has_the_chapters_counts() -> None:
    rows = infer_shapes(CHAPTER, (28, 28))
    assert [row.count for row in rows] == [0, 3_136, 235_500, 1_200, 30_100, 400, 1_010]
    assert totals(rows) == (268_978, 2_368)
    assert [row.output_shape for row in rows] == [(784,), (784,), (300,), (300,), (100,), (100,), (10,)]


def test_a_frozen_layer_counts_as_not_trainable() -> None:
    frozen = [layer.replaced(trainable=False) if layer.has_weights else layer for layer in CHAPTER]
    assert totals(infer_shapes(frozen, (28, 28))) == (0, 271_346)


def test_the_variables_of_batch_normalization_are_named_and_two_of_them_are_not_trained() -> None:
    (row,) = infer_shapes((BatchNormalization(id="bn"),), (5,))
    assert [(v.name, v.shape, v.trainable) for v in row.variables] == [
        ("gamma", (5,), True), ("beta", (5,), True), ("moving_mean", (5,), False), ("moving_variance", (5,), False),
    ]  # fmt: skip
    (bare,) = infer_shapes((BatchNormalization(id="bn", center=False, scale=False),), (5,))
    assert [v.name for v in bare.variables] == ["moving_mean", "moving_variance"]


@pytest.mark.parametrize(("axis", "size"), [(-1, 6), (1, 4), (2, 5), (3, 6), (-2, 5), (-3, 4)])
def test_the_axis_counts_the_batch_as_zero(axis: int, size: int) -> None:
    (row,) = infer_shapes((BatchNormalization(id="bn", axis=axis),), (4, 5, 6))
    assert row.variables[0].shape == (size,)
    assert row.output_shape == (4, 5, 6)


@pytest.mark.parametrize(
    ("layer", "shape", "after", "count"),
    [
        (Flatten(id="x"), (28, 28), (784,), 0),
        (Flatten(id="x"), (7,), (7,), 0),
        (Reshape(id="x", target_shape=(28, 28, 1)), (28, 28), (28, 28, 1), 0),
        (Reshape(id="x", target_shape=(-1, 4)), (28, 28), (196, 4), 0),
        (Dense(id="x", units=3), (5,), (3,), 18),
        (Dense(id="x", units=3, use_bias=False), (4, 5), (4, 3), 15),
        (Conv2D(id="x", filters=8, kernel_size=(3, 5)), (28, 28, 2), (26, 24, 8), 3 * 5 * 2 * 8 + 8),
        (Conv2D(id="x", filters=8, kernel_size=(3, 3), padding="same", strides=(2, 3)), (7, 7, 1), (4, 3, 8), 80),
        (Conv2D(id="x", filters=8, kernel_size=(3, 3), strides=(2, 2), use_bias=False), (7, 8, 1), (3, 3, 8), 72),
        (MaxPooling2D(id="x"), (7, 8, 3), (3, 4, 3), 0),
        (MaxPooling2D(id="x", padding="same"), (7, 8, 3), (4, 4, 3), 0),
        (AveragePooling2D(id="x", pool_size=(3, 3), strides=(1, 2)), (7, 8, 3), (5, 3, 3), 0),
        (GlobalAveragePooling2D(id="x"), (7, 8, 3), (3,), 0),
        (GlobalAveragePooling2D(id="x", keepdims=True), (7, 8, 3), (1, 1, 3), 0),
        (PReLU(id="x"), (4, 5), (4, 5), 20),
        (PReLU(id="x", shared_axes=(1,)), (4, 5), (4, 5), 5),
        (ActivityRegularization(id="x", l2=0.1), (4,), (4,), 0),
        (Dropout(id="x", rate=0.5), (4,), (4,), 0),
        (Input(id="x", shape=(4,)), (4,), (4,), 0),
    ],
)
def test_a_layer_puts_out_and_holds_what_it_should(layer: Layer, shape: Shape, after: Shape, count: int) -> None:
    (row,) = infer_shapes((layer,), shape)
    assert (row.input_shape, row.output_shape, row.count, row.error) == (shape, after, count, "")


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Reshape(id="x", target_shape=(5, 5)), (28, 28), "x cannot lay 784 numbers out as 5 × 5."),
        (Reshape(id="x", target_shape=(-1, 5)), (28, 28), "x cannot lay 784 numbers out as -1 × 5."),
        (Reshape(id="x", target_shape=(-1, -1)), (4,), "at most one −1"),
        (Reshape(id="x", target_shape=(0, -1)), (4,), "positive numbers"),
        (Input(id="x", shape=(4,)), (5,), "x expects rows of 4, but gets 5."),
        (Conv2D(id="x", filters=1, kernel_size=(3, 3)), (28, 28), "put a Reshape before it"),
        (Conv2D(id="x", filters=1, kernel_size=(9, 3)), (8, 8, 1), "a window of 9 does not fit into 8 pixels"),
        (Conv2D(id="x", filters=1, kernel_size=(0, 3)), (8, 8, 1), "the kernel must be at least 1"),
        (Conv2D(id="x", filters=1, kernel_size=(2, 2), strides=(1, 0)), (8, 8, 1), "the strides must be at least 1"),
        (MaxPooling2D(id="x"), (784,), "needs images of height × width × channels, but gets 784"),
        (GlobalAveragePooling2D(id="x"), (8, 8), "needs images"),
        (BatchNormalization(id="x", axis=0), (5,), "axis 0 is not one of its input's axes"),
        (BatchNormalization(id="x", axis=2), (5,), "axis 2 is not one of"),
        (BatchNormalization(id="x", axis=-2), (5,), "axis -2 is not one of"),
        (PReLU(id="x", shared_axes=(2,)), (5,), "shared axes lie between 1 and 1"),
    ],
)
def test_a_layer_that_cannot_follow_says_why(layer: Layer, shape: Shape, words: str) -> None:
    row, after = infer_shapes((layer, Flatten(id="after")), shape)
    assert words in row.error and row.error.startswith("x") and row.error.endswith(".")
    assert (row.output_shape, row.count) == (None, 0)
    assert (after.input_shape, after.error) == (None, "")


def test_a_layer_that_is_off_lets_its_input_through() -> None:
    rows = infer_shapes((Flatten(id="flat", enabled=False), Dense(id="d", units=3)), (28, 28))
    assert rows[0].output_shape == (28, 28)
    assert rows[1].output_shape == (28, 3)


def test_an_input_layer_gives_the_shape_where_the_data_is_not_known() -> None:
    rows = infer_shapes((Input(id="in", shape=(4, 4)), Flatten(id="flat")), None)
    assert rows[1].output_shape == (16,)
    assert infer_shapes((Flatten(id="flat"),), None)[0].output_shape is None


@pytest.mark.parametrize("kind", sorted(LAYER_KINDS))
def test_every_kind_has_words_for_its_card(kind: str) -> None:
    cls = LAYER_KINDS[kind]
    layer = cls.new(id="x")
    assert cls.label and cls.help.endswith(".") and cls.keras_class and cls.group and cls.icon
    assert isinstance(layer.caption(), str)
    for shape in ((8,), (8, 8), (8, 8, 1)):
        assert isinstance(layer.caption(shape), str)
