"""Runs as rows to compare: their settings by name, what differs among them, and a name made of that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.repeat_record import spread, spread_words
from dnnstudio.core.study.setting_order import importance
from dnnstudio.core.study.setting_words import Setting, setting_title, setting_value, title_of_field
from dnnstudio.core.text import count_of, within_words
from dnnstudio.core.workspace.catalog import task_text
from dnnstudio.core.workspace.ensembles import TRAINED
from dnnstudio.core.workspace.remarks import Remarks
from dnnstudio.core.workspace.runs import RunRecord, Spread

NOT_A_SETTING = ("format", "name", "seed", "rate_changes", "data.source", "data.classes")
"""Parts of an experiment in which two runs of one task may differ without being trained differently, and what is
compared as the task."""
FIGURES = ("accuracy", "mae", "loss")
"""The figures to judge by: the first of them that a run has."""
PLACES = ("path", "train_images")
"""Fields of a data source that say where it lies."""
MOST_IN_A_NAME = 3
DEPTH = "layers"


@dataclass(frozen=True)  # no slots: what is found out once about a row is kept with it
class ListedRun:
    """One row: a run, several alike but for their seeds, whose figures are spreads over them, or a sweep, which has the
    settings and the figures of its best trial.

    `figure` is what the run is judged by, on the validation rows: `best` of all epochs, `last` at the end; `test` is
    the same on the test rows. `folders` are what lies behind the row on the disk: one, or those of grouped runs.
    """

    record: RunRecord
    task: str
    seed: int
    settings: Mapping[str, Setting]
    figure: str
    best: Spread | None
    last: Spread | None
    test: Spread | None
    remarks: Remarks
    folders: tuple[Path, ...]
    members: tuple[ListedRun, ...] = ()
    name: str = ""
    ranges: Mapping[str, str] = field(default_factory=dict)
    """Of a sweep: what each of the varied settings is varied over, as a cell shows it."""

    @property
    def higher_is_better(self) -> bool:
        return self.figure == "accuracy"

    def words(self, found: Spread | None) -> str:
        """One of its figures, `best`, `last` or `test`, as everywhere: "97.8 %", "14,191", "0.351 ± 0.012"."""
        return spread_words(found, counted=False, share=self.figure == "accuracy")

    @property
    def counted(self) -> tuple[ListedRun, ...]:
        """The members that figures are over: each seed once, by its newest run. The same seed twice is no new fact.

        Of a sweep the best trial.
        """
        if (sweep := self.record.sweep) is not None:
            return tuple(one for one in self.members if one.record.folder == sweep.home)
        newest = {one.seed: one for one in sorted(self.members, key=lambda one: one.record.when)}
        return tuple(one for one in self.members if newest[one.seed] is one)

    @cached_property
    def key(self) -> str:
        """What is alike for runs that differ by their seed alone."""
        return json.dumps([self.task, *sorted(self.settings.items())])

    @cached_property
    def said(self) -> str:
        """All words of the row, in which a search line's are looked for at every key that is typed."""
        kinds = (value for value in self.settings.values() if isinstance(value, str))
        names = (path for path in self.settings if path.count(".") > 1)
        record = self.record
        parts = (self.name, record.name, self.task, record.folder.name, record.status, self.remarks.note)
        return "\n".join((*parts, *kinds, *names)).casefold()


def over_seeds(row: ListedRun, members: Sequence[ListedRun]) -> ListedRun:
    """The row with its members, and with the mean and the spread of those that are trained."""
    trained = replace(row, members=tuple(one for one in members if one.record.status in TRAINED)).counted

    def of(name: str) -> Spread | None:
        return spread([value.mean for member in trained if (value := getattr(member, name)) is not None])

    figure = next((member.figure for member in trained), row.figure)
    return replace(row, figure=figure, best=of("best"), last=of("last"), test=of("test"), members=tuple(members))


# ------------------------------------------------------------------------------------------------------- settings


def settings_of(experiment: Experiment) -> dict[str, Setting]:
    """Dotted path → value of all that decides how an experiment trains on its data; a layer is named by its id."""
    plain = codec.to_plain(experiment)
    found: dict[str, Setting] = {}
    for name, value in plain.items():
        if name not in NOT_A_SETTING:
            _flatten(value, name, found)
    return {path: value for path, value in found.items() if not path.startswith(NOT_A_SETTING[-2:])}


def task_of(experiment: Experiment) -> str:
    """A task in words; of a person's own data with its file and target, which tell two tasks apart."""
    plain = codec.to_plain(experiment.data.source)
    file = next((Path(plain[key]).name for key in PLACES if plain.get(key)), "")
    columns = plain.get("columns") or ()
    targets = [column["name"] for column in columns if column.get("role") == "target"]
    target = ", ".join(targets) or plain.get("label_column") or ""
    named = f"{file}: {target}" if file and target else file
    return f"{task_text(experiment)} ({named})" if named else task_text(experiment)


def _flatten(value: Any, path: str, found: dict[str, Setting]) -> None:
    match value:
        case dict():
            for key, item in value.items():
                if key != "id":
                    _flatten(item, f"{path}.{key}", found)
        case list() if all(isinstance(item, dict) and "id" in item for item in value) and value:
            for item in value:
                _flatten(item, f"{path}.{item['id']}", found)
        case list():
            found[path] = json.dumps(value)
        case _:
            found[path] = value


def differing(runs: Iterable[ListedRun]) -> tuple[str, ...]:
    """The settings in which runs of one task differ, the most important first, and of these those with most values; one
    that is missing differs too.

    Of a sweep its trials count.
    """
    tasks: dict[str, list[ListedRun]] = {}
    for run in runs:
        tasks.setdefault(run.task, []).extend(run.members if run.record.sweep is not None else ())
        tasks[run.task].append(run)
    counts: dict[str, int] = {}
    for alike in tasks.values():
        paths = dict.fromkeys(path for run in alike for path in run.settings)
        for path in paths:
            values = {(path in run.settings, run.settings.get(path)) for run in alike}
            if len(values) > 1:
                counts[path] = max(counts.get(path, 0), len(values))

    def turn(path: str) -> tuple[int, bool, int, int]:
        rank, place = importance(path)
        return rank, _is_missing_somewhere(path, tasks), -counts[path], place

    return tuple(sorted(counts, key=turn))


def _is_missing_somewhere(path: str, tasks: Mapping[str, Sequence[ListedRun]]) -> bool:
    """Whether some run has not got the setting at all: it says less than one that all have with other values."""
    return any(path not in run.settings for runs in tasks.values() for run in runs)


def with_names(runs: Sequence[ListedRun]) -> list[ListedRun]:
    """The rows with names of what each is and what changed: "Wine: 3 layers, Adam, learning rate 0.01".

    What changed are the settings in which the runs of a task with the same name differ; of layers that some of them
    lack, how many there are: settings that only some runs have would not tell two of them apart.
    """
    alike: dict[tuple[str, str], list[ListedRun]] = {}
    for run in runs:
        if run.record.sweep is not None:
            continue  # named by what is varied
        alike.setdefault((run.task, run.record.name), []).append(run)
    changed = {key: _to_tell(found) for key, found in alike.items()}
    return [
        run if run.record.sweep is not None else replace(run, name=_name(run, changed[run.task, run.record.name]))
        for run in runs
    ]


def _to_tell(runs: Sequence[ListedRun]) -> tuple[str, ...]:
    """The paths that a name tells, `DEPTH` for the number of layers."""
    paths = differing(runs)
    stacks = [names for run in runs if (names := _layers(run))]
    if len({len(names) for names in stacks}) > 1:
        everywhere = set.intersection(*stacks)
        paths = (DEPTH, *(path for path in paths if not path.startswith("layers.") or path.split(".")[1] in everywhere))
    return paths[:MOST_IN_A_NAME]


def _layers(run: ListedRun) -> set[str]:
    """The names of its layers; a disabled one trains nothing."""
    names = {path.split(".")[1] for path in run.settings if path.startswith("layers.")}
    return {name for name in names if run.settings.get(f"layers.{name}.enabled") is not False}


def _name(run: ListedRun, changed: Sequence[str]) -> str:
    said = []
    for path in changed:
        if path == DEPTH:
            said += [count_of(len(names), "layer")] if (names := _layers(run)) else []
            continue
        value = run.settings.get(path)
        if value is not None:
            kind, words = path.endswith(".kind") or path == "loss", setting_value(path, value)
            said.append(words if kind else f"{_short_title(path, changed)} {words}")
    return f"{run.record.name}: {', '.join(said)}" if said else run.record.name


def _short_title(path: str, among: Sequence[str]) -> str:
    """The last part of a path, with its layer's name where another path ends alike."""
    last = path.rpartition(".")[2]
    alone = sum(other.rpartition(".")[2] == last for other in among) == 1
    return within_words((title_of_field(path.split(".")) or last.replace("_", " ")) if alone else setting_title(path))


# ------------------------------------------------------------------------------------------------------- grouping


def grouped(runs: Sequence[ListedRun]) -> list[ListedRun]:
    """Runs that differ by their seed alone as one row each, in the place of the first; repeats and sweeps stay."""
    found: dict[str, list[ListedRun]] = {}
    for run in runs:
        single = run.record.repeat is None and run.record.sweep is None
        found.setdefault(run.key if single else str(run.record.folder), []).append(run)
    return [_together(alike) if len(alike) > 1 else alike[0] for alike in found.values()]


def _together(runs: Sequence[ListedRun]) -> ListedRun:
    ordered = sorted(runs, key=lambda run: (run.seed, run.record.when))
    newest = max(runs, key=lambda run: run.record.when)
    seconds = [run.record.seconds for run in runs if run.record.seconds is not None]
    remarks = Remarks(star=all(run.remarks.star for run in runs))
    record = replace(newest.record, number=0, seconds=sum(seconds) if seconds else None)
    row = replace(newest, record=record, folders=tuple(run.record.folder for run in ordered), remarks=remarks)
    seeds = Counter(run.seed for run in ordered)
    names = (f"seed {run.seed}{f', run {run.record.number}' if seeds[run.seed] > 1 else ''}" for run in ordered)
    return over_seeds(row, [replace(run, name=name) for run, name in zip(ordered, names, strict=True)])


def difference_words(first: ListedRun, second: ListedRun) -> list[tuple[str, str, str]]:
    """What differs between two rows, the most important first: title, the first's value, the second's; the seed too, of
    two single runs.
    """
    paths = sorted(dict.fromkeys((*first.settings, *second.settings)), key=importance)
    said = [
        (setting_title(path), _cell(first, path), _cell(second, path))
        for path in paths
        if (path in first.settings, first.settings.get(path)) != (path in second.settings, second.settings.get(path))
    ]
    if first.task != second.task:
        said.insert(0, ("Task", first.task, second.task))
    if not first.members and not second.members and first.seed != second.seed:
        said.append(("Seed", str(first.seed), str(second.seed)))
    return said


def _cell(run: ListedRun, path: str) -> str:
    return setting_value(path, run.settings.get(path)) if path in run.settings else "not there"
