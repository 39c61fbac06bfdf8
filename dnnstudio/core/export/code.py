"""Options as Keras code: `keras.layers.Dense(units=300, activation="elu")`, with only the non-default arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dnnstudio.core.experiment.fields import Option, initial_value
from dnnstudio.core.experiment.layers import Layer
from dnnstudio.core.experiment.optimizers import Optimizer
from dnnstudio.core.experiment.weights import Constraint, Initializer, Regularizer

WIDTH = 100
INDENT = "    "
REQUIRED = ("pool_size",)
"""Arguments that Keras requires although the field has a default."""
MODULES: tuple[tuple[type[Option], str], ...] = (
    (Layer, "layers"),
    (Initializer, "initializers"),
    (Regularizer, "regularizers"),
    (Constraint, "constraints"),
    (Optimizer, "optimizers"),
)


def literal(value: Any) -> str:
    """A plain value as a Python literal, strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        inner = ", ".join(literal(item) for item in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def option_code(value: Any) -> str:
    """The code of a Keras argument's value; an option becomes the call of its constructor."""
    if not isinstance(value, Option):
        return literal(value)
    given = given_arguments(value)
    if isinstance(value, Initializer) and not given and set(type(value).model_fields) <= {"kind", "seed"}:
        return literal(getattr(value, "kind"))  # noqa: B009 - only the kinds have it, not their base
    return call(f"keras.{module_of(value)}.{value.keras_class}", given)


def given_arguments(value: Option) -> dict[str, str]:
    """The code of the arguments that differ from Keras's defaults."""
    fields = type(value).model_fields
    renamed = type(value).new().keras_arguments() if isinstance(value, Layer) else {}

    def is_usual(name: str, argument: Any) -> bool:
        field = fields.get(name)
        if field is None:
            return name in renamed and argument == renamed[name]
        return name not in REQUIRED and not field.is_required() and argument == initial_value(field)

    arguments = value.keras_arguments().items()
    return {name: option_code(argument) for name, argument in arguments if not is_usual(name, argument)}


def module_of(value: Option) -> str:
    """The Keras module that contains an option's class."""
    return next(module for base, module in MODULES if isinstance(value, base))


def call(name: str, arguments: Mapping[str, str], *, first: Sequence[str] = (), depth: int = 0) -> str:
    """A call on one line, or with one argument per line if that would be too long. `depth` is its indentation."""
    words = [*first, *(f"{key}={value}" for key, value in arguments.items())]
    line = f"{name}({', '.join(words)})"
    if len(line) + depth * len(INDENT) <= WIDTH and "\n" not in line:
        return line
    inner = "".join(f"{INDENT * (depth + 1)}{word},\n" for word in words)
    return f"{name}(\n{inner}{INDENT * depth})"
