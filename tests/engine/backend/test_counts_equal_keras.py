"""Shapes, variables and parameter counts that are worked out without Keras equal Keras's own."""

from __future__ import annotations

import random
from typing import Any

import keras
import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import (
    LAYER_KINDS,
    AveragePooling1D,
    AveragePooling2D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    GroupNormalization,
    Input,
    Layer,
    LayerNormalization,
    MaxPooling2D,
    Permute,
    PReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    SeparableConv2D,
    Shape,
    UpSampling2D,
    ZeroPadding2D,
)
from dnnstudio.core.experiment.recipes import Recipe, list_recipes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes, totals
from dnnstudio.core.experiment.summary_table import summary_table
from dnnstudio.core.experiment.weights import L1L2, Identity, Orthogonal, OrthogonalRegularizer


def in_keras(layer: Layer) -> Any:
    """The plain Keras layer with the same options: by Keras's own names alone, apart from the engine's builder."""
    if isinstance(layer, Input):
        return keras.layers.Identity(name=layer.id)
    arguments = {name: _part(value) for name, value in layer.keras_arguments().items()}
    made = getattr(keras.layers, layer.keras_class)(**arguments, name=layer.id)
    made.trainable = getattr(layer, "trainable", True)
    return made


def _part(value: Any) -> Any:
    if not isinstance(value, Option):
        return value
    arguments = {name: _part(inner) for name, inner in value.keras_arguments().items()}
    for module in (keras.initializers, keras.regularizers, keras.constraints):
        if hasattr(module, value.keras_class):
            return getattr(module, value.keras_class)(**arguments)
    raise AssertionError(value)


def assert_equal_to_keras(layers: tuple[Layer, ...], shape: Shape) -> None:
    """Every layer's output shape and variables, and the totals, are those of the built Keras model."""
    rows = infer_shapes(layers, shape)
    model = keras.Sequential([keras.Input(shape), *(in_keras(layer) for layer in layers if layer.enabled)])
    active = [row for row in rows if row.layer.enabled]
    assert [row.error for row in rows] == [""] * len(rows)
    for row, made in zip(active, model.layers, strict=True):
        assert tuple(made.output.shape[1:]) == row.output_shape, row.layer
        ours = {(variable.name, variable.shape, variable.trainable) for variable in row.variables}
        theirs = {(weight.name, tuple(weight.shape), bool(weight.trainable)) for weight in made.weights}
        assert ours == theirs, row.layer
        assert len(row.variables) == len(made.weights)
        assert row.count == made.count_params()
    trainable = sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
    fixed = sum(int(keras.ops.size(weight)) for weight in model.non_trainable_weights)
    assert totals(rows) == (trainable, fixed)
    table = summary_table(layers, shape)
    assert (table.trainable, table.non_trainable, table.count) == (trainable, fixed, model.count_params())
    assert table.weight_bytes == 4 * model.count_params()


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_every_recipe_has_kerass_counts(recipe: Recipe) -> None:
    shape = recipe.experiment.data.source.shape
    assert shape is not None
    assert_equal_to_keras(recipe.experiment.layers, shape)


SHAPES = {"repeat_vector": (7,), "group_normalization": (5, 8)}


@pytest.mark.parametrize("kind", sorted(LAYER_KINDS))
def test_every_kind_as_it_starts_has_kerass_shape_and_variables(kind: str) -> None:
    shape = (8, 8, 2) if LAYER_KINDS[kind].wants_images else SHAPES.get(kind, (28, 28))
    assert_equal_to_keras((LAYER_KINDS[kind].new(id="layer"),), shape)


VARIANTS: list[tuple[Layer, Shape]] = [
    (Dense(id="x", units=3, use_bias=False), (4, 5)),
    (Dense(id="x", units=3, trainable=False), (4,)),
    (Reshape(id="x", target_shape=(-1, 2)), (3, 4)),
    (Reshape(id="x", target_shape=(2, 3, 2)), (12,)),
    (PReLU(id="x", shared_axes=(1, 2)), (4, 5, 3)),
    (PReLU(id="x", shared_axes=(2,)), (4, 5)),
    (Rescaling(id="x", scale=0.5, offset=1.0), (4, 5)),
    (BatchNormalization(id="x", center=False), (6,)),
    (BatchNormalization(id="x", scale=False, trainable=False), (6,)),
    (LayerNormalization(id="x", axis=(2, 1)), (4, 5, 3)),
    (LayerNormalization(id="x", axis=(-1,), center=False), (4, 5)),
    (LayerNormalization(id="x", axis=1, scale=False, trainable=False), (4, 5)),
    (GroupNormalization(id="x", groups=-1), (4, 5, 3)),
    (GroupNormalization(id="x", groups=2, axis=-2, center=False), (4, 6, 3)),
    (Conv2D(id="x", filters=3, kernel_size=(2, 3), strides=(2, 1), padding="same"), (7, 8, 2)),
    (Conv2D(id="x", filters=3, kernel_size=(2, 3), strides=(3, 2), use_bias=False), (7, 8, 2)),
    (DepthwiseConv2D(id="x", kernel_size=(2, 3), depth_multiplier=3, strides=(2, 2)), (7, 8, 2)),
    (DepthwiseConv2D(id="x", kernel_size=(3, 3), padding="same", use_bias=False, trainable=False), (7, 8, 2)),
    (SeparableConv2D(id="x", filters=5, kernel_size=(2, 3), depth_multiplier=3, padding="same"), (7, 8, 2)),
    (SeparableConv2D(id="x", filters=5, kernel_size=(3, 3), strides=(2, 2), use_bias=False), (7, 8, 2)),
    (Conv1D(id="x", filters=3, kernel_size=4, strides=2), (11, 2)),
    (Conv1D(id="x", filters=3, kernel_size=4, strides=2, padding="same", use_bias=False), (11, 2)),
    (Conv1D(id="x", filters=3, kernel_size=3, dilation_rate=4, trainable=False), (11, 2)),
    (Conv1D(id="x", filters=3, kernel_size=3, dilation_rate=5, padding="causal"), (4, 2)),
    (Conv1D(id="x", filters=3, kernel_size=3, strides=3, padding="causal"), (11, 2)),
    (AveragePooling1D(id="x", pool_size=3, strides=2, padding="same"), (12, 2)),
    (AveragePooling1D(id="x", pool_size=3, strides=2), (12, 2)),
    (MaxPooling2D(id="x", pool_size=(3, 2), strides=(1, 2), padding="same"), (7, 8, 2)),
    (GlobalMaxPooling2D(id="x", keepdims=True), (7, 9, 2)),
    (UpSampling2D(id="x", size=(3, 1), interpolation="bilinear"), (4, 5, 2)),
    (Permute(id="x", dims=(3, 1, 2)), (4, 5, 2)),
    (RepeatVector(id="x", n=5), (3,)),
    (ZeroPadding2D(id="x", top=1, bottom=2, left=0, right=4), (5, 6, 2)),
    (LAYER_KINDS["identity"].new(id="x"), (4, 5, 2)),
    (MaxPooling2D(id="x", pool_size=(3, 2), strides=(2, 3)), (7, 8, 2)),
    (AveragePooling2D(id="x", pool_size=(2, 2), padding="same"), (7, 9, 2)),
    (GlobalAveragePooling2D(id="x", keepdims=True), (7, 9, 2)),
]


@pytest.mark.parametrize(("layer", "shape"), VARIANTS, ids=range(len(VARIANTS)))
def test_options_that_change_the_shape_change_it_as_in_keras(layer: Layer, shape: Shape) -> None:
    assert_equal_to_keras((layer,), shape)


@pytest.mark.parametrize("shape", [(6,), (4, 5), (3, 4, 5)], ids=str)
def test_the_axis_of_batch_normalization_means_what_it_means_in_keras(shape: Shape) -> None:
    """Positive axes count the batch as 0, negative ones from the end; what Keras cannot build is an error here too."""
    rank = len(shape) + 1
    for axis in range(-rank - 1, rank + 2):
        layer = BatchNormalization(id="bn", axis=axis)
        (row,) = infer_shapes((layer,), shape)
        if row.error:
            made = in_keras(layer)
            with pytest.raises((ValueError, IndexError, TypeError)):
                made.build((None, *shape))
            assert axis % rank == 0 or not -rank <= axis < rank
        else:
            assert_equal_to_keras((layer,), shape)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Reshape(id="x", target_shape=(5, 5)), (28, 28)),
        (Reshape(id="x", target_shape=(-1, 5)), (28, 28)),
        (Conv2D(id="x", filters=1, kernel_size=(3, 3)), (28, 28)),
        (Conv2D(id="x", filters=1, kernel_size=(9, 3)), (8, 8, 1)),
        (DepthwiseConv2D(id="x", kernel_size=(3, 9)), (8, 8, 1)),
        (SeparableConv2D(id="x", filters=1, kernel_size=(3, 3)), (8, 8)),
        (Conv1D(id="x", filters=1, kernel_size=3), (8,)),
        (Conv1D(id="x", filters=1, kernel_size=3, dilation_rate=4), (8, 1)),
        (Conv1D(id="x", filters=1, kernel_size=2, dilation_rate=2, strides=2), (8, 1)),
        (AveragePooling1D(id="x", pool_size=9), (8, 1)),
        (MaxPooling2D(id="x"), (784,)),
        (MaxPooling2D(id="x", pool_size=(9, 9)), (8, 8, 1)),
        (LayerNormalization(id="x", axis=3), (4, 5)),
        (GroupNormalization(id="x", groups=4), (6,)),
        (GroupNormalization(id="x", groups=0), (6,)),
        (PReLU(id="x", shared_axes=(3,)), (4, 5)),
    ],
    ids=range(16),
)
def test_what_cannot_follow_here_cannot_in_keras(layer: Layer, shape: Shape) -> None:
    (row,) = infer_shapes((layer,), shape)
    assert row.error
    if layer.kind == "prelu":
        return  # Keras takes an axis that is not there without a word; here it is named
    with pytest.raises((ValueError, IndexError)):
        keras.Sequential([keras.Input(shape), in_keras(layer)])


@pytest.mark.parametrize(
    "layer",
    [
        Dense(id="x", units=3, bias_initializer=Orthogonal()),
        Dense(id="x", units=3, bias_initializer=Identity()),
        Dense(id="x", units=3, bias_regularizer=OrthogonalRegularizer()),
        BatchNormalization(id="x", gamma_initializer=Orthogonal()),
        BatchNormalization(id="x", beta_regularizer=OrthogonalRegularizer()),
        DepthwiseConv2D(id="x", kernel_size=(3, 3), kernel_initializer=Identity()),
        SeparableConv2D(id="x", filters=2, kernel_size=(3, 3), depthwise_initializer=Identity()),
        SeparableConv2D(id="x", filters=2, kernel_size=(3, 3), kernel_regularizer=OrthogonalRegularizer()),
        SeparableConv2D(id="x", filters=2, kernel_size=(3, 3), depthwise_initializer=Orthogonal()),
        Dense(id="x", units=3, kernel_initializer=Identity(), kernel_regularizer=OrthogonalRegularizer()),
        Dense(id="x", units=3, kernel_initializer=Orthogonal(), bias_regularizer=L1L2(l2=0.1)),
    ],
    ids=range(11),
)
def test_a_part_misfits_where_keras_refuses_it(layer: Layer) -> None:
    """The checks call a part a misfit exactly where Keras cannot build the layer or add up its losses."""
    before: tuple[Layer, ...] = (Reshape(id="image", target_shape=(8, 8, 1)),)
    before = before if layer.wants_images else (Flatten(id="flat"),)
    experiment = Experiment(layers=(*before, layer))
    misfits = [problem for problem in find_problems(experiment) if problem.code == "part_misfit"]
    try:
        model = keras.Sequential([keras.Input((8, 8)), *map(in_keras, before), in_keras(layer)])
        refused = len(model.losses) < 0  # adding them up is what may fail
    except ValueError:
        refused = True
    assert bool(misfits) is refused


def random_stack(seed: int) -> tuple[tuple[Layer, ...], Shape]:
    """A stack of any kinds whose layers can follow each other, with sizes and switches drawn."""
    draw = random.Random(seed)
    shape: Shape = draw.choice([(7,), (6, 5), (9, 8, 2)])
    layers: list[Layer] = []
    current = shape
    while len(layers) < draw.randint(1, 9):
        kind = draw.choice([name for name in sorted(LAYER_KINDS) if name != "input"])
        given: dict[str, Any] = {"id": f"layer_{len(layers)}", "enabled": not layers or draw.random() > 0.1}
        fields = LAYER_KINDS[kind].model_fields
        drawn = {
            "units": draw.randint(1, 20),
            "filters": draw.randint(1, 6),
            "depth_multiplier": draw.randint(1, 3),
            "kernel_size": (draw.randint(1, 3), draw.randint(1, 3)),
            "pool_size": (draw.randint(1, 3), draw.randint(1, 3)),
            "strides": (draw.randint(1, 2), draw.randint(1, 2)),
            "padding": draw.choice(("same", "valid")),
            "use_bias": draw.random() > 0.5,
            "center": draw.random() > 0.3,
            "scale": draw.random() > 0.3,
            "trainable": draw.random() > 0.3,
            "axis": draw.choice((-1, -1, 1, 2, -2)),
            "keepdims": draw.random() > 0.5,
            "target_shape": draw.choice(((-1,), (-1, 1), (1, -1, 1))),
        }
        if kind == "rescaling":
            drawn["scale"] = 0.5
        if LAYER_KINDS[kind].wants_series:
            drawn |= {"kernel_size": draw.randint(1, 3), "pool_size": draw.randint(1, 3), "strides": draw.randint(1, 2)}
        given |= {name: value for name, value in drawn.items() if name in fields}
        layer = LAYER_KINDS[kind].new(**given)
        (row,) = infer_shapes((layer,), current)
        if not row.error and row.output_shape is not None:
            layers.append(layer)
            current = row.output_shape
    return tuple(layers), shape


@pytest.mark.parametrize("seed", range(40))
def test_random_stacks_have_kerass_counts(seed: int) -> None:
    layers, shape = random_stack(seed)
    assert_equal_to_keras(layers, shape)
