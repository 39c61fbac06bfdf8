"""Experiment → Keras, for every kind and every field: what the chapter's notebook code gives, and back from JSON.

The reference is the code that a person would write, made as text from the fields alone and evaluated with nothing but
`keras` in reach; beside it stand the chapter's own lines, written by hand.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

import keras
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.fields import Option, option_kinds
from dnnstudio.core.experiment.layers import (
    ELU,
    LAYER_KINDS,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Conv2D,
    Dense,
    DropoutLayer,
    Flatten,
    GaussianNoise,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    Normalization,
    PReLU,
    Rescaling,
    WeightedLayer,
    ZeroPadding2D,
)
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Adam, Nadam, Optimizer, RMSprop
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import (
    L1L2,
    Constraint,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    MaxNorm,
    OrthogonalRegularizer,
    Regularizer,
    VarianceScaling,
)
from dnnstudio.engine.backend.builder import keras_layer, to_keras
from dnnstudio.engine.backend.custom_layers import OWN_LAYERS

MODULES = {
    Layer: "layers",
    Initializer: "initializers",
    Regularizer: "regularizers",
    Constraint: "constraints",
    Optimizer: "optimizers",
}
MAIN_KERNEL = {"DepthwiseConv2D": "depthwise", "SeparableConv2D": "pointwise"}
"""Class → Keras's word for what is `kernel_…` here."""
NOT_IN_THE_CLASS = {"enabled", "id", "kind", "trainable", "monte_carlo"}


def other_values(field: Any, annotation: Any, default: Any) -> list[Any]:
    """Values that a field may have besides its default: each word, each kind of record, another number, off."""
    if get_origin(annotation) is Literal:
        same = {default, "linear" if default is None else default}  # no activation is the linear one
        return [word for word in get_args(annotation) if word not in same]
    if isinstance(annotation, type) and issubclass(annotation, Option):
        return [annotation.new()]
    if annotation is bool:
        return [not default]
    if annotation is int:
        return [3] if default != 3 else [1]  # 2 is what a pooling takes for strides that are left out
    if annotation is float:
        return [0.25] if default != 0.25 else [0.5]
    if get_origin(annotation) is tuple:
        inner = [item for item in get_args(annotation) if item is not Ellipsis]
        return [tuple(inner[0](n) for n in ((1, 2) if default != (1, 2) else (2, 1)))]
    if annotation is type(None):
        return [None] if default is not None else []
    if annotation is str:
        return []
    kinds = option_kinds(annotation)
    if kinds:
        found = [kind.new() for kind in kinds.values() if kind is not type(default)]
        return found + ([None] if type(None) in get_args(annotation) and default is not None else [])
    return [value for part in get_args(annotation) for value in other_values(field, part, default)]


def cases(kind: type[Option]) -> list[tuple[str, Any]]:
    start = kind.new(**({"id": "layer"} if "id" in kind.model_fields else {}))
    found: list[tuple[str, Any]] = [("", start)]
    for name, field in kind.model_fields.items():
        if name in NOT_IN_THE_CLASS:
            continue
        for value in other_values(field, field.annotation, getattr(start, name)):
            try:
                found.append((name, start.replaced(**{name: value})))
            except ValueError:  # a rule between fields: two that only go together
                continue
    return found


def code(value: Any) -> str:
    """The Keras code for an option, as a person would write it: every argument by its name."""
    if isinstance(value, ZeroPadding2D):
        return f"keras.layers.ZeroPadding2D((({value.top}, {value.bottom}), ({value.left}, {value.right})))"
    if isinstance(value, Option):
        module = next(module for base, module in MODULES.items() if isinstance(value, base))
        given = {name: getattr(value, name) for name in type(value).model_fields if name not in NOT_IN_THE_CLASS}
        main = MAIN_KERNEL.get(value.keras_class, "kernel")
        given = {re.sub("^kernel_(?!size)", f"{main}_", name): inner for name, inner in given.items()}
        arguments = ", ".join(f"{name}={code(inner)}" for name, inner in given.items())
        return f"keras.{module}.{value.keras_class}({arguments})"
    return repr(value)


def plain(config: Any) -> Any:
    """Configurations without names that Keras makes up, and with lists for tuples."""
    if isinstance(config, dict):
        return {key: plain(inner) for key, inner in config.items() if key != "name"}
    return [plain(inner) for inner in config] if isinstance(config, list | tuple) else config


def reference(option: Option) -> Any:
    return eval(code(option), {"__builtins__": {}, "keras": keras})


def config_of(option: Option) -> Any:
    made = keras_layer(option) if isinstance(option, Layer) else to_keras(option)
    return plain(made.get_config())


LAYERS = [kind for name, kind in LAYER_KINDS.items() if name != "input"]


@pytest.mark.parametrize("kind", [*LAYERS, *OPTIMIZER_KINDS.values()], ids=lambda kind: kind.__name__)
def test_every_field_reaches_keras_as_its_code_says_and_comes_back_from_json(kind: type[Option]) -> None:
    default = config_of(cases(kind)[0][1])
    seen = set()
    for name, option in cases(kind):
        where = f"{kind.__name__}.{name}={getattr(option, name, None)!r}"
        if isinstance(option, BatchNormalization) and isinstance(option.axis, tuple):
            assert config_of(option)["axis"] == list(option.axis), where  # Keras's own takes one axis only
            continue
        config = config_of(option)
        assert config == plain(reference(option).get_config()), where
        if name:
            assert config != default, f"{where} makes no difference"
            seen.add(name)
        if isinstance(option, Layer):
            experiment = Experiment(layers=(option,))
            assert codec.from_json(codec.to_json(experiment)) == experiment, where
        else:
            experiment = Experiment(optimizer=option)
            assert codec.from_json(codec.to_json(experiment)) == experiment, where
    fields = {name for name in kind.model_fields if name not in NOT_IN_THE_CLASS}
    assert seen == fields, "some fields were never changed"


def test_switches_that_are_no_arguments_do_what_they_say() -> None:
    for kind in LAYERS:
        layer = kind.new(id="layer")
        if isinstance(layer, WeightedLayer):
            assert keras_layer(layer.replaced(trainable=False)).trainable is False
        if isinstance(layer, DropoutLayer):
            made = keras_layer(layer.replaced(monte_carlo=True))
            assert type(made) is OWN_LAYERS[f"MC{layer.keras_class}"]
            assert plain(made.get_config()) == plain(reference(layer).get_config())


ELU_LAYER = {"activation": "elu", "kernel_initializer": HeNormal()}
CHAPTER: list[tuple[Option, str]] = [
    (Dense(id="x", units=10, activation="relu", kernel_initializer=HeNormal()),
     "keras.layers.Dense(10, activation='relu', kernel_initializer='he_normal')"),
    (Dense(id="x", units=10, activation="relu", kernel_initializer=HeUniform()),
     "keras.layers.Dense(10, activation='relu', kernel_initializer='he_uniform')"),
    (Dense(id="x", units=10, activation="relu",
           kernel_initializer=VarianceScaling(scale=2.0, mode="fan_avg", distribution="uniform")),
     "keras.layers.Dense(10, activation='relu', kernel_initializer="
     "keras.initializers.VarianceScaling(scale=2., mode='fan_avg', distribution='uniform'))"),
    (Dense(id="x", units=300, kernel_initializer=HeNormal()),
     "keras.layers.Dense(300, kernel_initializer='he_normal')"),
    (LeakyReLU(id="x"), "keras.layers.LeakyReLU()"),
    (LeakyReLU(id="x", negative_slope=0.2), "keras.layers.LeakyReLU(negative_slope=0.2)"),
    (PReLU(id="x"), "keras.layers.PReLU()"),
    (ELU(id="x"), "keras.layers.ELU(alpha=1.0)"),
    (Dense(id="x", units=10, activation="selu", kernel_initializer=LecunNormal()),
     "keras.layers.Dense(10, activation='selu', kernel_initializer='lecun_normal')"),
    (Flatten(id="x"), "keras.layers.Flatten()"),
    (BatchNormalization(id="x"), "keras.layers.BatchNormalization()"),
    (BatchNormalization(id="x", momentum=0.9, axis=1), "keras.layers.BatchNormalization(momentum=0.9, axis=1)"),
    (Dense(id="x", units=300, kernel_initializer=HeNormal(), use_bias=False),
     "keras.layers.Dense(300, kernel_initializer='he_normal', use_bias=False)"),
    (Activation(id="x", activation="elu"), "keras.layers.Activation('elu')"),
    (Dense(id="x", units=100, **ELU_LAYER, kernel_regularizer=L1L2(l2=0.01)),
     "keras.layers.Dense(100, activation='elu', kernel_initializer='he_normal', "
     "kernel_regularizer=keras.regularizers.L1L2(l2=0.01))"),
    (Dense(id="x", units=100, kernel_regularizer=L1L2(l1=0.1, l2=0.01)),
     "keras.layers.Dense(100, kernel_regularizer=keras.regularizers.l1_l2(0.1, 0.01))"),
    (Dense(id="x", units=9, kernel_regularizer=OrthogonalRegularizer()),
     "keras.layers.Dense(9, kernel_regularizer=keras.regularizers.OrthogonalRegularizer())"),
    (Dense(id="x", units=100, **ELU_LAYER, kernel_constraint=MaxNorm(max_value=1.0)),
     "keras.layers.Dense(100, activation='elu', kernel_initializer='he_normal', "
     "kernel_constraint=keras.constraints.max_norm(1.))"),
    (AlphaDropout(id="x", rate=0.2), "keras.layers.AlphaDropout(rate=0.2)"),
    (GaussianNoise(id="x", stddev=0.2), "keras.layers.GaussianNoise(0.2)"),
    (Rescaling(id="x", scale=1 / 255), "keras.layers.Rescaling(1 / 255)"),
    (Normalization(id="x"), "keras.layers.Normalization()"),
    (Normalization(id="x", axis=None), "keras.layers.Normalization(axis=None)"),
    (Conv2D(id="x", filters=64, kernel_size=(7, 7), activation="relu", padding="same"),
     "keras.layers.Conv2D(64, 7, activation='relu', padding='same')"),
    (MaxPooling2D(id="x"), "keras.layers.MaxPooling2D(2)"),
    (SGD(learning_rate=0.001, momentum=0.9), "keras.optimizers.SGD(learning_rate=0.001, momentum=0.9)"),
    (SGD(learning_rate=0.001, momentum=0.9, nesterov=True),
     "keras.optimizers.SGD(learning_rate=0.001, momentum=0.9, nesterov=True)"),
    (SGD(clipvalue=1.0), "keras.optimizers.SGD(clipvalue=1.0)"),
    (SGD(clipnorm=1.0), "keras.optimizers.SGD(clipnorm=1.0)"),
    (RMSprop(learning_rate=0.001, rho=0.9), "keras.optimizers.RMSprop(learning_rate=0.001, rho=0.9)"),
    (Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999),
     "keras.optimizers.Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999)"),
    (Nadam(learning_rate=0.001), "keras.optimizers.Nadam(learning_rate=0.001)"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "line"), CHAPTER, ids=[line for _, line in CHAPTER])
def test_the_chapters_own_lines(option: Option, line: str) -> None:
    assert config_of(option) == plain(eval(line, {"__builtins__": {}, "keras": keras}).get_config())
