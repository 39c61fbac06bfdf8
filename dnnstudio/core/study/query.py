"""The search line of the run table: `val_accuracy > 0.9 dropout "long words" is:star`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.study.setting_words import Setting, setting_text
from dnnstudio.core.workspace.runs import Spread

_TOKEN = re.compile(
    r"""(?P<name>[A-Za-z_][\w.]*)\s*(?P<op><=|>=|!=|=|<|>)\s*(?P<value>"[^"]*"|[^\s"<>=!]+)"""
    r"""|(?P<half>[A-Za-z_][\w.]*\s*(?:<=|>=|!=|=|<|>))"""
    r"""|(?P<quoted>"[^"]*")|(?P<word>\S+)"""
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
STARRED = "is:star"

Value = Setting | Spread


def _mean(found: Spread | None) -> float | None:
    return found.mean if found is not None else None


def _judged(run: ListedRun, figure: str, found: Spread | None) -> float | None:
    return _mean(found) if run.figure == figure else None


FIGURES: Mapping[str, Callable[[ListedRun], Setting]] = {
    "val_accuracy": lambda run: _judged(run, "accuracy", run.best),
    "val_mae": lambda run: _judged(run, "mae", run.best),
    "val_loss": lambda run: run.record.val_loss,
    "test_accuracy": lambda run: _judged(run, "accuracy", run.test),
    "test_mae": lambda run: _judged(run, "mae", run.test),
    "best": lambda run: _mean(run.best),
    "last": lambda run: _mean(run.last),
    "test": lambda run: _mean(run.test),
    "number": lambda run: run.record.number,
    "seed": lambda run: run.seed,
    "seeds": lambda run: max(len(run.members), 1),
    "epochs": lambda run: run.record.epochs_done,
    "seconds": lambda run: run.record.seconds,
    "parameters": lambda run: run.record.parameters,
    "status": lambda run: run.record.status,
}
"""What can be asked beside the settings. `val_accuracy` is that of the best epoch, as in the column."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one figure or setting with a value."""

    name: str
    sign: str
    value: Setting

    @property
    def text(self) -> str:
        return f"{self.name} {self.sign} {setting_text(self.value)}"

    def holds(self, run: ListedRun) -> bool:
        """Whether a value of the run compares so; of several layers' settings with that name, one is enough."""
        return any(self._compares(value) for value in values_of(run, self.name))

    def _compares(self, found: Setting) -> bool:
        numbers = isinstance(found, int | float) and isinstance(self.value, int | float)
        if numbers and not isinstance(found, bool):
            return _OPERATORS[self.sign](found, self.value)
        if self.sign not in ("=", "!=") or found is None:
            return False
        same = setting_text(found).casefold() == setting_text(self.value).casefold()
        return same if self.sign == "=" else not same


@dataclass(frozen=True, slots=True)
class Query:
    """What all shown runs fulfil: the conditions, the words in what is said of them, and perhaps a star."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()
    starred: bool = False

    def matches(self, run: ListedRun) -> bool:
        """Whether the row, or one of its members, fulfils all of it."""
        if self.starred and not run.remarks.star:
            return False
        if not all(word in run.said for word in self.words):
            return False
        return all(condition.holds(run) for condition in self.conditions)


def parse_query(text: str) -> Query:
    """Read a search line. Raises `UserError` for a comparison that lacks its value or compares an order of words."""
    conditions, words, starred = [], [], False
    for found in _TOKEN.finditer(text):
        if found["half"]:
            raise UserError(f'"{found["half"].strip()}" lacks a value.', "For example: val_accuracy > 0.9.")
        if found["name"]:
            conditions.append(_condition(found["name"], found["op"], found["value"].strip('"')))
        elif found["quoted"]:
            words.append(found["quoted"].strip('"').casefold())
        elif found["word"] == STARRED:
            starred = True
        else:
            words.append(found["word"].casefold())
    return Query(tuple(conditions), tuple(word for word in words if word), starred)


def _condition(name: str, sign: str, text: str) -> Condition:
    value = _value(text)
    if sign not in ("=", "!=") and not isinstance(value, int | float):
        raise UserError(f'"{name} {sign} {text}" compares with a word.', "Give a number, or ask with = or !=.")
    return Condition(name, sign, value)


def _value(text: str) -> Setting:
    if (switch := {"on": True, "off": False, "true": True, "false": False}.get(text.casefold())) is not None:
        return switch
    share = text.endswith("%")
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return text
    return number / 100 if share else number


def check_names(query: Query, runs: Iterable[ListedRun]) -> None:
    """Raises `UserError` for a condition on what no run has: a misspelt name would only find nothing."""
    paths = {path for run in runs for path in run.settings}  # which are alike in most of a thousand runs
    known = {*FIGURES, *paths, *(path.rpartition(".")[2] for path in paths)}
    known |= {path.split(".")[-2] for path in paths if path.endswith(".kind")}
    for condition in query.conditions:
        if condition.name not in known:
            raise UserError(
                f"No run has a figure or setting called {condition.name}.",
                "For example: val_accuracy, test, seconds, learning_rate, units, optimizer.",
            )


def values_of(run: ListedRun, name: str) -> list[Setting]:
    """The figure, or all settings with that path or last part: `units` are those of every layer."""
    if name in FIGURES:
        return [FIGURES[name](run)]
    if name in run.settings:
        return [run.settings[name]]
    kinds = [value for path, value in run.settings.items() if path.endswith(f"{name}.kind")]
    return kinds or [value for path, value in run.settings.items() if path.rpartition(".")[2] == name]
