"""Converts Keras's layer configs to the program's fields, by an allow-list derived from those fields.

A setting without a field is accepted only at the value at which it has no effect. No class or function is looked up by
a name from the file: every name is either in a table here or refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

import numpy as np
from pydantic import ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import LAYER_KINDS, DropoutLayer, Layer
from dnnstudio.core.experiment.layers.base import Activation as ActivationName
from dnnstudio.core.experiment.refusals import explain
from dnnstudio.engine.model_files.contents import shown

T = TypeVar("T", bound=Option)
Plain = dict[str, Any]

NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "activity_regularizer": (None,),
    "autocast": (True,),
    "batch_size": (None,),
    "data_format": (None, "channels_last"),
    "dilation_rate": ([1, 1], [1], 1),
    "dynamic": (False,),
    "fused": (None, True, False),
    "groups": (1,),
    "input_axes": (None,),
    "lora_rank": (None,),
    "noise_shape": (None,),
    "output_axes": (None,),
    "quantization_config": (None,),
    "ragged": (False,),
    "renorm": (False,),
    "renorm_clipping": (None, {}),
    "renorm_momentum": (0.99,),
    "rms_scaling": (False,),
    "sparse": (False,),
    "synchronized": (False,),
    "virtual_batch_size": (None,),
}
"""Settings without a field, and the values at which they have no effect."""

RENAMED: Mapping[tuple[str, str], str] = {("LeakyReLU", "alpha"): "negative_slope"}
"""(class, Keras 2's name) → present name."""

PART_ALIASES: Mapping[str, str] = {"L1": "L1L2", "L2": "L1L2"}
ACTIVATION_ALIASES: Mapping[str, str] = {"swish": "silu", "hard_swish": "hard_silu"}
ACTIVATIONS: frozenset[str] = frozenset(get_args(ActivationName))

_COMPUTED_IN = {"float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"}
_SKIPPED = {"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "kind", "id"}
_KERAS_MODULES = {"keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"}
_ACTIVATION_MODULES = (None, "keras.activations")
_GRAPH_MODULES = {
    f"{package}.{place}.functional"
    for package in ("keras", "tf_keras")
    for place in ("engine", "src.engine", "src.models")
}
"""Where Keras's Functional is, which is saved under the module of its class."""


class RefusedError(UserError):
    """Why a layer is refused, without its number and name, which the caller adds."""


def object_of(value: Any) -> tuple[str, Plain]:
    """Class name and config of one of Keras's `{"class_name": …, "config": …}` records."""
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        raise RefusedError("is not described as Keras describes a layer.", "The file is damaged or was tampered with.")
    name = value["class_name"]
    module, registered = value.get("module"), value.get("registered_name")
    if name.startswith("dnnstudio>"):
        registered, name = name, name.removeprefix("dnnstudio>")
    if registered == f"dnnstudio>{name}" and isinstance(module, str | None):
        module = None
    elif registered not in (None, name):
        raise RefusedError(f"is a {shown(str(registered))}, a class of somebody's own.", supported())
    known = str(module) in _KERAS_MODULES or (name == "Functional" and str(module) in _GRAPH_MODULES)
    if module is not None and not known:
        raise RefusedError(f"is a {shown(f'{module}.{name}')}, which is none of Keras's own layers.", supported())
    config = value.get("config", {})
    if not isinstance(config, dict):
        raise RefusedError(f"is a {shown(name)} without settings.", "The file is damaged or was tampered with.")
    return name, config


def supported() -> str:
    """The supported layers, as a sentence."""
    names = [kind.keras_class for kind in LAYER_KINDS.values() if kind.keras_class != "Input"]
    return f"Only {', '.join(names)}, ReLU and Softmax are supported."


def read_option(kind: type[T], class_name: str, config: Plain, notes: list[str], **given: Any) -> T:
    """The option of class `kind` described by Keras's `config`; `given` are fields that the config lacks."""
    known = {name for name in kind.model_fields if name not in kind.not_keras}
    if "trainable" in kind.model_fields and "trainable" in config:
        given["trainable"] = config["trainable"]
    plain: Plain = {"kind": kind.model_fields["kind"].default, **given}
    for key, given_value in kind.from_keras(config).items():
        value = _plain_number(given_value)
        name = RENAMED.get((class_name, key), key)
        if name in known:
            plain[name] = _field_value(kind, name, value, notes)
        elif key == "dtype":
            _check_dtype(value, notes)
        elif key not in _SKIPPED and value is not None and value not in NEUTRAL.get(key, ()):
            text = json.dumps(value, default=str)
            raise RefusedError(f"has {shown(key)} set to {shown(text)}, which this program does not know.", supported())
    try:
        return kind.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        raise RefusedError(
            f"cannot be used: {explain(error, kind)}", "The file is damaged or was tampered with."
        ) from None
    except (ValueError, RecursionError):
        raise RefusedError("is not described as Keras describes a layer.", "The file is damaged.") from None


def _plain_number(value: Any) -> Any:
    """0.5 for `{"type": "ndarray", "value": 0.5}`, as Keras 2 wrote a number of numpy's."""
    if isinstance(value, dict) and value.get("type") == "ndarray" and value.keys() == {"type", "value"}:
        return value["value"]
    return value


def activation_name(value: Any) -> str | None:
    """The name of an activation; None stays None. Raises `RefusedError` for custom functions."""
    if value is None:
        return None
    if isinstance(value, dict) and value.get("class_name") == "function":
        if value.get("module") not in (None, "builtins", "keras.activations"):
            raise RefusedError(f"uses the function {shown(str(value.get('config')))} of somebody's own.", supported())
        value = value.get("config")
    if isinstance(value, dict) and value.get("config") in ({}, None) and value.get("module") in _ACTIVATION_MODULES:
        value = value.get("class_name")  # {"class_name": "relu", "config": {}}
    name = ACTIVATION_ALIASES.get(value, value) if isinstance(value, str) else value
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise RefusedError(f"has the activation {shown(str(value))}, which this program does not know.", supported())
    return name


def _field_value(kind: type[Option], name: str, value: Any, notes: list[str]) -> Any:
    if name == "activation":
        curve = activation_name(value)
        return None if curve == "linear" and not kind.model_fields[name].is_required() else curve
    if name == "seed":
        return _seed(value, notes)
    if name == "axis" and isinstance(value, list) and len(value) < 2:
        return value[0] if value else None  # Keras converts a single axis, and no axis, to tuples
    if isinstance(value, float) and abs(value) < 1e30 and float(np.float32(value)) == value:
        return float(str(np.float32(value)))  # Keras 2 wrote 0.2 as 0.20000000298023224 (float32)
    parts = {part.keras_class: part for part in _options_in(kind.model_fields[name].annotation)}
    if parts and isinstance(value, str):
        matches = [part for part in parts.values() if part.model_fields["kind"].default == value]
        if not matches:
            raise RefusedError(f"has {shown(value)} as {name}, which this program does not know.", supported())
        return {"kind": value}
    if parts and value is not None:
        class_name, config = object_of(value)
        part = parts.get(PART_ALIASES.get(class_name, class_name))
        if part is None:
            raise RefusedError(f"has {shown(class_name)} as {name}, which this program does not know.", supported())
        return read_option(part, class_name, config, notes).model_dump(mode="json")
    return value


def _seed(value: Any, notes: list[str]) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if value is not None:
        notes.append("A seed in the file could not be taken over; the experiment's seed is used.")
    return None


def _check_dtype(value: Any, notes: list[str]) -> None:
    if isinstance(value, dict):
        config = value.get("config")
        value = config.get("name") if isinstance(config, dict) else None
    if value is None or value == "float32":
        return
    if str(value) not in _COMPUTED_IN:
        raise RefusedError(f"computes in {shown(str(value))}; only floating-point networks can be opened.", "")
    note = f"The network was made to compute in {value}; here it computes in float32."
    if note not in notes:
        notes.append(note)


def _options_in(annotation: Any) -> Iterator[type[Option]]:
    """The option classes that a field accepts, through Annotated and unions."""
    if isinstance(annotation, type) and issubclass(annotation, Option):
        yield annotation
    for inner in get_args(annotation):
        yield from _options_in(inner)


def layer_class(class_name: str) -> tuple[type[Layer] | None, Plain]:
    """The program's class for a Keras class, and the fields that the class name implies."""
    for kind in LAYER_KINDS.values():
        if class_name in kind.class_names():
            stays_on = issubclass(kind, DropoutLayer) and class_name == kind.monte_carlo_class
            return kind, {"monte_carlo": True} if stays_on else {}
    return None, {}
