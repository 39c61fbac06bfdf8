"""What the table shows, and in which order: columns, sorting, tasks. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dnnstudio.core.study.listing import (
    ListedRun,
    differing,
    grouped,
    with_names,
)
from dnnstudio.core.study.query import Query
from dnnstudio.core.study.setting_words import setting_title, setting_value
from dnnstudio.core.text import date_text, duration, unbroken
from dnnstudio.core.workspace.runs import Spread
from dnnstudio.gui.base.run_words import STATUS_WORDS

MOST_SETTINGS = 3
"""So many of the settings that differ have a column unless a person chooses: the figures beside stay in sight."""
NAME, STAR, NUMBER, STATUS, BEST, LAST, TEST, TIME, DATE, NOTE = (
    "name", "star", "number", "status", "best", "last", "test", "time", "date", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its text, and the value it is sorted by (None goes last)."""

    key: str
    title: str
    width: int
    text: Callable[[ListedRun], str]
    value: Callable[[ListedRun], Any]
    right: bool = True
    setting: bool = False
    help: str = ""


FIGURE_WORDS = {
    "accuracy": "best validation accuracy",
    "mae": "lowest validation mean absolute error",
    "loss": "lowest validation loss",
}
"""What the rows of a task are judged by: the best epoch of each, on the validation rows."""


@dataclass(frozen=True, slots=True)
class Task:
    """The shown rows of one task, and the best of them."""

    name: str
    rows: tuple[ListedRun, ...]
    best: ListedRun | None

    @property
    def best_words(self) -> str:
        """ "best validation accuracy 97.1 %, run 12", "lowest validation loss 4.6, run 3", or nothing."""
        if self.best is None:
            return ""
        record = self.best.record
        which = f", run {record.number}" if record.number else ""
        if record.sweep is not None:
            which += f", trial {record.sweep.best}"
        what = FIGURE_WORDS.get(self.best.figure, self.best.figure)
        return f"{what} {self.best.words(self.best.best)}{which}"


EVERYTHING = Query()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person has set: the search, grouping, columns, and the order."""

    query: Query = EVERYTHING
    group: bool = True
    only_differing: bool = True
    settings: frozenset[str] | None = None
    """The chosen columns of settings; None for those that differ."""
    sort: str = NUMBER
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Arranged:
    """The whole of what is shown: `shown` of `total` runs."""

    columns: tuple[Column, ...]
    tasks: tuple[Task, ...]
    shown: int
    total: int
    differing: tuple[str, ...]
    settings: tuple[str, ...]
    """Every setting that any run has."""


def _mean(found: Spread | None) -> float | None:
    return found.mean if found is not None else None


def _status(run: ListedRun) -> str:
    if run.record.repeat is not None and not run.record.repeat.complete:
        return f"{run.record.repeat.trained} / {len(run.record.repeat.seeds)} done"
    if run.record.sweep is not None and not run.record.sweep.complete:
        return f"{run.record.sweep.over} / {run.record.sweep.trials} done"
    return STATUS_WORDS.get(run.record.status, run.record.status)


def _figure(name: str, run: ListedRun) -> str:
    return run.words(getattr(run, name))


def _setting(path: str, run: ListedRun) -> str:
    if path in run.ranges:
        return run.ranges[path]
    return setting_value(path, run.settings[path]) if path in run.settings else ""


FIRST = (
    Column(NAME, "Run", 290, lambda run: run.name, lambda run: run.name.casefold(), right=False,
           help="What the run is, and what changed between it and others of that name."),
    Column(STAR, "", 32, lambda run: "", lambda run: run.remarks.star, right=False, help="Runs with a star."),
    Column(NUMBER, "No.", 46, lambda run: f"{run.record.number}" if run.record.number else "",
           lambda run: run.record.number or max((one.record.number for one in run.members), default=None)),
    Column(STATUS, "Status", 126, _status, _status, right=False, help="How it ended."),
)  # fmt: skip
LAST_COLUMNS = (
    Column(BEST, "Val. best", 108, partial(_figure, "best"), lambda run: _mean(run.best),
           help="The validation figure of the best epoch: accuracy, or the mean absolute error, or the loss."),
    Column(LAST, "Val. last", 112, partial(_figure, "last"), lambda run: _mean(run.last),
           help="The same at the end of the training."),
    Column(TEST, "Test", 112, partial(_figure, "test"), lambda run: _mean(run.test),
           help="The same on the test rows, measured once at the end."),
    Column(TIME, "Time", 86, lambda run: unbroken(duration(run.record.seconds)), lambda run: run.record.seconds,
           help="Time of training; of several seeds or trials, their sum."),
    Column(DATE, "Date", 140, lambda run: date_text(run.record.when), lambda run: run.record.when),
    Column(NOTE, "Note", 150, lambda run: run.remarks.note.partition("\n")[0],
           lambda run: run.remarks.note.casefold() or None, right=False),
)  # fmt: skip


def setting_column(path: str) -> Column:
    """The column of one setting."""

    def value(run: ListedRun) -> Any:
        found = run.settings.get(path)
        return found if isinstance(found, int | float) else None if found is None else str(found).casefold()

    return Column(path, setting_title(path), 90, partial(_setting, path), value, setting=True, help=path)


class Names:
    """The rows with their names, which are found anew when there are other runs, and not at every key of a search."""

    def __init__(self) -> None:
        self._runs: tuple[ListedRun, ...] = ()
        self._named: list[ListedRun] = []

    def of(self, runs: Sequence[ListedRun]) -> list[ListedRun]:
        if len(runs) != len(self._runs) or any(one is not other for one, other in zip(runs, self._runs, strict=True)):
            self._runs, self._named = tuple(runs), with_names(runs)
        return self._named


def arrange(runs: Sequence[ListedRun], wish: Wish, names: Names | None = None) -> Arranged:
    """Filter, name, group and sort the runs; `names` of the last time are used again for the same runs."""
    named = (names or Names()).of(runs)
    matching = [run for run in named if wish.query.matches(run)]
    rows = grouped(matching) if wish.group else matching
    known = tuple(dict.fromkeys(path for run in runs for path in run.settings))
    differ = differing(matching)
    chosen = _chosen_settings(differ, known, matching, wish)
    columns = (*FIRST, *(setting_column(path) for path in chosen), *LAST_COLUMNS)
    column = next((one for one in columns if one.key == wish.sort), FIRST[2])
    return Arranged(columns, _tasks(rows, column, wish.descending), len(matching), len(runs), differ, known)


def _chosen_settings(
    differ: Sequence[str], known: Sequence[str], runs: Sequence[ListedRun], wish: Wish
) -> tuple[str, ...]:
    """Those that a person chose; else those that differ, and of these first those that every run has."""
    if wish.settings is not None:
        return tuple(
            path for path in (*differ, *(path for path in known if path not in differ)) if path in wish.settings
        )
    if not wish.only_differing:
        return tuple(differ)
    everywhere = [path for path in differ if all(path in run.settings for run in runs)]
    return tuple((everywhere or list(differ))[:MOST_SETTINGS])


def _tasks(rows: Sequence[ListedRun], column: Column, descending: bool) -> tuple[Task, ...]:
    tasks: dict[str, list[ListedRun]] = {}
    for run in sorted(rows, key=lambda run: run.record.when, reverse=True):
        tasks.setdefault(run.task, []).append(run)
    return tuple(
        Task(name, tuple(in_order(found, column, descending)), best_of(found)) for name, found in tasks.items()
    )


def in_order(rows: Sequence[ListedRun], column: Column, descending: bool) -> list[ListedRun]:
    """Sorted by a column; rows without a value come last either way, and numbers before words."""
    known = [(value, run) for run in rows if (value := column.value(run)) is not None]
    ordered = sorted(known, key=lambda pair: (isinstance(pair[0], str), pair[0]), reverse=descending)
    return [*(run for _, run in ordered), *(run for run in rows if column.value(run) is None)]


def best_of(rows: Sequence[ListedRun]) -> ListedRun | None:
    """The row with the best validation figure, by the figure that most of them are judged by."""
    rated = [run for run in rows if run.best is not None]
    if not rated:
        return None
    names = [run.figure for run in rated]
    figure = max(set(names), key=names.count)
    pick = max if figure == "accuracy" else min
    return pick((run for run in rated if run.figure == figure), key=lambda run: _mean(run.best) or 0.0)
