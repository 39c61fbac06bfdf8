"""Keras's settings of one layer → the fields of the program's own, by an allow-list made from those fields.

A setting that has no field passes only when it is at the value that leaves it without effect. No class is looked up
and nothing is called by a name out of the file: a name either stands in a table here or is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

import numpy as np
from pydantic import ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.explain import explain
from dnnstudio.core.layers import LAYER_KINDS, Layer
from dnnstudio.core.layers.base import Activation as ActivationName
from dnnstudio.core.options import Option
from dnnstudio.engine.model_files.contents import shown

T = TypeVar("T", bound=Option)
Plain = dict[str, Any]

NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "activity_regularizer": (None,),
    "autocast": (True,),
    "batch_size": (None,),
    "data_format": (None, "channels_last"),
    "dilation_rate": ([1, 1], 1),
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
    "sparse": (False,),
    "synchronized": (False,),
    "virtual_batch_size": (None,),
}
"""Settings without a field, and the values at which they do nothing."""

RENAMED: Mapping[tuple[str, str], str] = {("LeakyReLU", "alpha"): "negative_slope"}
"""(class, Keras 2's name) → today's name."""

PART_ALIASES: Mapping[str, str] = {"L1": "L1L2", "L2": "L1L2"}
ACTIVATION_ALIASES: Mapping[str, str] = {"swish": "silu", "hard_swish": "hard_silu"}
ACTIVATIONS: frozenset[str] = frozenset(get_args(ActivationName))

_COMPUTED_IN = {"float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"}
_SKIPPED = {"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "kind", "id"}
_KERAS_MODULES = {"keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"}


class RefusedError(UserError):
    """What is wrong with a layer, without saying which: the caller puts its number and name before it."""


def object_of(value: Any) -> tuple[str, Plain]:
    """The class name and settings of one of Keras's `{"class_name": …, "config": …}` records."""
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
    if module is not None and str(module) not in _KERAS_MODULES:
        raise RefusedError(f"is a {shown(f'{module}.{name}')}, which is none of Keras's own layers.", supported())
    config = value.get("config", {})
    if not isinstance(config, dict):
        raise RefusedError(f"is a {shown(name)} without settings.", "The file is damaged or was tampered with.")
    return name, config


def supported() -> str:
    """Which layers can be opened, as a sentence."""
    names = [kind.keras_class for kind in LAYER_KINDS.values() if kind.keras_class != "Input"]
    return f"Only {', '.join(names)}, ReLU and Softmax are supported."


def read_option(kind: type[T], class_name: str, config: Plain, notes: list[str], **given: Any) -> T:
    """The option of class `kind` that Keras's `config` describes; `given` are fields that the config does not hold."""
    known = {name for name in kind.model_fields if name not in kind.not_keras}
    if "trainable" in kind.model_fields and "trainable" in config:
        given["trainable"] = config["trainable"]
    plain: Plain = {"kind": kind.model_fields["kind"].default, **given}
    for key, value in config.items():
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


def activation_name(value: Any) -> str | None:
    """The name of an activation; None stays None. Raises `RefusedError` for functions of somebody's own."""
    if value is None:
        return None
    if isinstance(value, dict) and value.get("class_name") == "function":
        if value.get("module") not in (None, "builtins", "keras.activations"):
            raise RefusedError(f"uses the function {shown(str(value.get('config')))} of somebody's own.", supported())
        value = value.get("config")
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
        return value[0] if value else None  # Keras makes tuples of a single axis and of none
    if isinstance(value, float) and abs(value) < 1e30 and float(np.float32(value)) == value:
        return float(str(np.float32(value)))  # Keras 2 wrote 0.2 as 0.20000000298023224
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
    """The option classes that a field may hold, through Annotated and unions."""
    if isinstance(annotation, type) and issubclass(annotation, Option):
        yield annotation
    for inner in get_args(annotation):
        yield from _options_in(inner)


def layer_class(class_name: str) -> tuple[type[Layer] | None, Plain]:
    """The program's class for one of Keras's, and the fields that the class name itself decides."""
    for kind in LAYER_KINDS.values():
        if class_name == kind.keras_class:
            return kind, {}
        if class_name in (kind.stand_in, kind.extension) and class_name:
            return kind, {}
        if class_name == getattr(kind, "monte_carlo_class", None):
            return kind, {"monte_carlo": True}
    return None, {}
