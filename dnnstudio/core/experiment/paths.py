"""Get and set a value at a dotted path of the experiment, given as JSON or by a form. Only changed parts
are validated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment.codec import to_plain
from dnnstudio.core.experiment.fields import Option, option_kinds
from dnnstudio.core.experiment.layers import LAYER_KINDS, Layer
from dnnstudio.core.experiment.record import DuplicateNameError, Experiment
from dnnstudio.core.experiment.refusals import capital, explain, unknown_key


def set_value(experiment: Experiment, path: str, value: Any) -> Experiment:
    """Set the field at a dotted path: `training.epochs`, `layers[2].units`, `layers.dense_1.kernel_regularizer.l2`.

    An item of a list is addressed by its index or, for a layer, by its name. `value` is an option, a plain value or
    JSON-like data; a section that is off is switched on; setting a `kind` keeps the options that both kinds have, and
    a schedule of another kind begins with rates that fit the optimizer.
    Raises `UserError` for an unknown path or an invalid value.
    """
    result = _set(experiment, path_keys(path), value, "")
    assert isinstance(result, Experiment)
    if isinstance(value, str) and type(result.schedule) is not type(experiment.schedule):
        return copied(result, schedule=result.schedule.suited(result.optimizer))
    return result


def get_value(experiment: Experiment, path: str) -> Any:
    """The value at a dotted path, as `set_value` takes it. Raises `UserError` if there is none."""
    value: Any = experiment
    where = ""
    for key in path_keys(path):
        if isinstance(value, tuple):
            value = value[_position(value, key, where)]
        elif isinstance(value, Option) and key in type(value).model_fields:
            value = getattr(value, key)
        else:
            raise _no_field(value, key, where)
        where += f".{key}" if where else key
    return value


def copied(experiment: Experiment, **fields: Any) -> Experiment:
    """A copy with fields that are already validated; only the rules between fields are checked again."""
    copy = experiment.model_copy(update=fields)
    try:
        copy.check_rules()
    except DuplicateNameError as error:
        raise UserError(f"{capital(str(error))}.", "Choose another name.", code=Code.NAME_TAKEN) from None
    except ValueError as error:
        raise UserError(f"{capital(str(error))}.") from None
    return copy


def changed(record: Option, changes: dict[str, Any], where: str) -> Option:
    """The record with all changes applied; `kind` first, because it decides which other fields exist.

    Keys may be dotted. `where` is the record's path with its dot, for error messages.
    """
    plain = {key: value for key, value in changes.items() if key != "kind"}
    if "kind" in changes:
        record = _of_kind(record, changes["kind"], _siblings(record), where)
    if all("." not in key and "[" not in key for key in plain):  # the usual case in a single validation
        return _validated(record, plain, where)
    for key, value in plain.items():
        record = _set(record, path_keys(key), value, where)
    return record


def _set(record: Option, keys: Sequence[str], value: Any, where: str) -> Option:
    name, *rest = keys
    fields = type(record).model_fields
    if name not in fields:
        raise _no_field(record, name, where)
    current = getattr(record, name)
    if rest == ["kind"] and isinstance(current, Option):
        return _put(record, name, _of_kind(current, value, option_kinds(fields[name].annotation), f"{where}{name}."))
    if not rest:
        return _validated(record, {name: value}, where)
    if isinstance(current, Option):
        return _put(record, name, _set(current, rest, value, f"{where}{name}."))
    if isinstance(current, tuple):
        return _put_item(record, name, rest, value, where)
    if current is None and option_kinds(fields[name].annotation):
        for key in reversed(rest):
            value = {key: value}
        return _validated(record, {name: value}, where)
    raise UserError(f"{where}{name} has no parts, so {where}{'.'.join(keys)} is nothing.", f"Set {where}{name} itself.")


def _put_item(record: Option, name: str, rest: Sequence[str], value: Any, where: str) -> Option:
    items = list(getattr(record, name))
    index = _position(items, rest[0], f"{where}{name}")
    inner = f"{where}{name}[{index}]."
    item = items[index]
    if not isinstance(item, Option):
        items[index] = value
        return _validated(record, {name: items}, where)
    if rest[1:] == ["kind"] and isinstance(item, Layer):
        items[index] = _of_kind(item, value, dict(LAYER_KINDS), inner)
    elif rest[1:]:
        items[index] = _set(item, rest[1:], value, inner)
    else:
        items[index] = field_value(type(record), name, [value], where)[0]
    return _put(record, name, tuple(items))


def _put(record: Option, name: str, valid: Any) -> Option:
    """Replace a part that is already validated; the record's own rules are checked again."""
    if isinstance(record, Experiment):
        return copied(record, **{name: valid})
    try:
        return record.replaced(**{name: valid})
    except ValidationError as error:
        raise UserError(explain(error, type(record))) from None


def _validated(record: Option, changes: dict[str, Any], where: str) -> Option:
    """The record with some fields set from JSON-like data: lists become tuples, dicts become records."""
    cls = type(record)
    unknown = next((key for key in changes if key not in cls.model_fields), None)
    if unknown is not None:
        raise _no_field(record, unknown, where)
    changes = {key: _spelled_out(cls, key, value) for key, value in changes.items()}
    if isinstance(record, Experiment):
        return copied(record, **{key: field_value(cls, key, value, where) for key, value in changes.items()})
    if not has_rules(cls):
        return record.model_copy(update={key: field_value(cls, key, value, where) for key, value in changes.items()})
    plain = {key: to_plain(value) for key, value in changes.items()}
    try:
        return cls.model_validate_json(_dumps(to_plain(record) | plain))
    except ValidationError as error:
        raise UserError(explain(error, cls, prefix=where)) from None


def has_rules(cls: type[Option]) -> bool:
    """Whether the record has rules between fields, so that a field cannot be validated alone."""
    return bool(cls.__pydantic_decorators__.model_validators)


def _spelled_out(cls: type[Option], name: str, value: Any) -> Any:
    """Expand a kind's bare name to a new record of that kind: "adam" to {"kind": "adam"}."""
    if not isinstance(value, str):
        return value
    kind = option_kinds(cls.model_fields[name].annotation).get(value)
    return value if kind is None else kind.new()


def field_value(cls: type[Option], name: str, value: Any, where: str) -> Any:
    """Validate one field's value without the rest of the record."""
    alone = _alone(cls, name)
    try:
        return getattr(alone.model_validate_json(_dumps({name: to_plain(value)})), name)
    except ValidationError as error:
        raise UserError(explain(error, cls, prefix=where)) from None


@lru_cache(maxsize=1024)
def _alone(cls: type[Option], name: str) -> type[BaseModel]:
    """A record with only this field of `cls`, its type and its limits."""
    field = cls.model_fields[name]
    return create_model(f"{cls.__name__}_{name}", __config__=Option.model_config, **{name: (field.annotation, field)})  # type: ignore[call-overload,no-any-return]


def _of_kind(record: Option, kind: Any, kinds: dict[str, type[Option]], where: str) -> Option:
    """Convert the record to another kind. Fields that both have and that were set by hand are kept, except the learning
    rate: a good rate for one optimizer is a bad one for the next.
    """
    if kind not in kinds:
        raise UserError(f'{where}kind is "{kind}"; it must be one of {", ".join(kinds)}.', "Choose one of them.")
    cls = kinds[kind]
    if isinstance(record, cls):
        return record
    shared: dict[str, Any] = {}
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if name in cls.model_fields and name not in ("kind", "learning_rate") and value != field.default:
            shared[name] = value
    try:
        return cls.new(**shared)
    except ValidationError:  # the same word with another meaning
        return cls.new(**{name: value for name, value in shared.items() if name == "id"})


def _siblings(record: Option) -> dict[str, type[Option]]:
    return dict(LAYER_KINDS) if isinstance(record, Layer) else {getattr(record, "kind", ""): type(record)}


def _no_field(record: Any, name: str, where: str) -> UserError:
    if not isinstance(record, Option):
        return UserError(f"{where.rstrip('.')} has no part {name}.")
    return UserError(unknown_key(f"{where.rstrip('.')}.{name}".lstrip("."), name, type(record)))


def _position(items: Sequence[Any], key: str, where: str) -> int:
    if key.isdigit() and int(key) < len(items):
        return int(key)
    named = next((index for index, item in enumerate(items) if _name_of(item) == key), None)
    if named is None:
        raise UserError(f"{where} has no item {key}; it holds {len(items)}, counted from 0.")
    return named


def _name_of(item: Any) -> Any:
    """The name of a list's item: a layer's id, a table column's name."""
    return getattr(item, "id", getattr(item, "name", None))


def path_keys(path: str) -> list[str]:
    """The parts of a dotted path: layers, 2, units. Raises `UserError` for a malformed one."""
    if not re.fullmatch(r"\w+(\.[\w-]+|\[[\w-]+\])*", path):
        raise UserError(f'"{path}" is not a path.', "Write it like training.epochs or layers[0].units.")
    return re.findall(r"[\w-]+", path)


def _dumps(plain: Any) -> str:
    """JSON for pydantic to validate. Anything that JSON cannot express becomes its text, so that it is rejected as
    such.
    """
    return json.dumps(plain, default=str)
