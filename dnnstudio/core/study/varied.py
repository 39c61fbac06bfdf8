"""What a sweep varies: a list of values or a range at a path of the experiment, read from `PATH=VALUES`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.paths import path_keys, set_value
from dnnstudio.core.experiment.record import Experiment

MOST_VALUES = 1000
MOST_CHECKED = 500
"""So many combinations are built before anything is trained; a wrong one beyond them is a failed trial."""

_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"(log:)?\s*({_NUMBER})\s*\.\.\s*({_NUMBER})")
_HALF_A_RANGE = re.compile(rf"log:.*|{_NUMBER}\s*\.\..*|[^,]*\.\.\s*{_NUMBER}")
_FORMS = "Write a list a,b,c, a range lo..hi, or log:lo..hi."


class Listed(BaseModel):
    """Some values, each as JSON holds it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Literal["list"] = "list"
    path: str
    values: tuple[Any, ...] = Field(min_length=1, max_length=MOST_VALUES)


class Ranged(BaseModel):
    """Any number from `low` to `high`, both included; a `whole` one, or one whose logarithm is drawn evenly (`log`)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Literal["range"] = "range"
    path: str
    low: int | float
    high: int | float
    log: bool = False
    whole: bool = False


Varied = Annotated[Listed | Ranged, Discriminator("kind")]


def value_text(value: Any) -> str:
    """A value as a person types it and as a cell of the table holds it: elu, 0.1, null, {"kind": "adam"}."""
    return value if isinstance(value, str) else json.dumps(value)


def values_text(values: Mapping[str, Any]) -> str:
    """optimizer.kind=adam, training.batch_size=64."""
    return ", ".join(f"{path}={value_text(value)}" for path, value in values.items())


def parse_varied(texts: Sequence[str], experiment: Experiment) -> tuple[Listed | Ranged, ...]:
    """What `PATH=VALUES` texts ask to vary in `experiment`, in their order.

    Raises `UserError` for a text that is none, for what is varied twice, and for a value or combination of values that
    the experiment cannot hold, with the experiment's own sentence.
    """
    if not texts:
        raise UserError("Nothing is varied.", "Add --vary, such as --vary optimizer.learning_rate=0.1,0.01.")
    varied = tuple(_parse(text) for text in texts)
    fields = [_field_of(one.path, experiment) for one in varied]
    for one, field in zip(varied, fields, strict=True):
        if fields.count(field) > 1:
            raise UserError(f"{one.path} is varied twice.", "Give all its values in one --vary.")
    combinations = corners(varied)
    for values in combinations:
        with_values(experiment, values)
    return tuple(_as_the_field_takes_it(one, combinations[0], experiment) for one in varied)


def with_values(experiment: Experiment, values: Mapping[str, Any]) -> Experiment:
    """The experiment with a trial's values at their paths. Raises `UserError` where it cannot hold them together.

    Wholes are set before their parts and kinds before their options, because a new kind comes with options of its own.
    """
    changed = experiment
    for path in sorted(values, key=_turn):
        try:
            changed = set_value(changed, path, values[path])
        except UserError as error:
            raise UserError(f"With {values_text(values)}: {error.message}", error.hint) from None
    return changed


def corners(varied: Sequence[Listed | Ranged]) -> list[dict[str, Any]]:
    """Combinations of every value of the lists and the ends of the ranges, at most `MOST_CHECKED`.

    Where there are more, each value still comes once beside the first ones of the others.
    """
    paths = [one.path for one in varied]
    choices = [one.values if isinstance(one, Listed) else (one.low, one.high) for one in varied]
    found = [dict(zip(paths, values, strict=True)) for values in islice(product(*choices), MOST_CHECKED)]
    if math.prod(len(values) for values in choices) > MOST_CHECKED:
        found += [found[0] | {path: value} for path, values in zip(paths, choices, strict=True) for value in values[1:]]
    return found


def _parse(text: str) -> Listed | Ranged:
    path, equals, values = text.partition("=")
    path, values = path.strip(), values.strip()
    if not equals or not path:
        raise UserError(f'--vary needs PATH=VALUES, but got "{text}".', "For example: training.batch_size=32,64.")
    path_keys(path)
    if match := _RANGE.fullmatch(values):
        return _range(path, bool(match[1]), _number(match[2]), _number(match[3]))
    if _HALF_A_RANGE.fullmatch(values):
        raise UserError(f'{path}: "{values}" is no range of two numbers.', _FORMS)
    items = _items(values)
    if not all(items):
        raise UserError(f'{path}: "{values}" has an empty value.', _FORMS)
    if len(items) > MOST_VALUES:
        raise UserError(f"{path} has {len(items):,} values; at most {MOST_VALUES:,} are tried.", "Give a range.")
    found = tuple(_value(item) for item in items)
    shown = [value_text(value) for value in found]
    if twice := [item for item in shown if shown.count(item) > 1]:
        raise UserError(f"{path} names {twice[0]} twice.", "Name each value once.")
    return Listed(path=path, values=found)


def _range(path: str, log: bool, low: float, high: float) -> Ranged:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError(f"{path}: a range must end in finite numbers.", "Give smaller ones.")
    if low >= high:
        raise UserError(f"{path}: the range {low}..{high} is empty.", "Its first number must be below its second.")
    if log and low <= 0:
        raise UserError(f"{path}: a logarithmic range from {low} has no logarithm.", "Begin above 0.")
    return Ranged(path=path, low=low, high=high, log=log)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _items(text: str) -> list[str]:
    """The parts between commas, those inside brackets and quotes left alone."""
    items, depth, quoted, start = [], 0, False, 0
    for index, letter in enumerate(text):
        if letter == '"' and text[index - 1 : index] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (letter in "[{") - (letter in "]}")
            if letter == "," and depth == 0:
                items.append(text[start:index].strip())
                start = index + 1
    return [*items, text[start:].strip()]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _field_of(path: str, experiment: Experiment) -> tuple[str, ...]:
    """The path with the positions of list items in place of their names, so that two spellings are one field."""
    keys: list[str] = []
    here: Any = experiment
    for key in path_keys(path):
        if isinstance(here, tuple):
            names = [getattr(item, "id", getattr(item, "name", None)) for item in here]
            key = str(names.index(key)) if key in names else key
            here = here[int(key)] if key.isdigit() and int(key) < len(here) else None
        else:
            here = getattr(here, key, None)
        keys.append(key)
    return tuple(keys)


def _as_the_field_takes_it(one: Listed | Ranged, values: Mapping[str, Any], experiment: Experiment) -> Listed | Ranged:
    """A range between whole numbers is one of whole numbers where the field refuses what lies between them."""
    if isinstance(one, Listed) or not (isinstance(one.low, int) and isinstance(one.high, int)):
        return one
    try:
        with_values(experiment, {**values, one.path: one.low + 0.5})
    except UserError:
        return one.model_copy(update={"whole": True})
    return one


def _turn(path: str) -> tuple[int, bool]:
    """When a path is set: the shorter first; a kind stands for the record that holds it."""
    keys = path_keys(path)
    is_kind = keys[-1] == "kind"
    return len(keys) - is_kind, not is_kind
