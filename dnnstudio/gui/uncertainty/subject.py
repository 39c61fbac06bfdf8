"""Which network is inspected, and on which rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import RandomLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.ensembles import is_ensemble, member_folder, read_ensemble, trained_members
from dnnstudio.core.workspace.runs import (
    BEST_MODEL,
    EXPERIMENT,
    RunRecord,
    Weights,
    best_apart,
    home_of,
    is_run,
    model_file,
    read_metrics,
    read_run,
)
from dnnstudio.core.workspace.sources import short_name

Who = Literal["run", "members", "passes"]
"""Who answers: one network in many passes with dropout on, each member of an ensemble once with dropout off, or each
member in many passes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model (a run id, an opened model's id or a path), the experiment that defines the rows, and its name."""

    model: str | Path
    experiment: Experiment
    title: str
    seeds: tuple[int, ...] = ()
    """Of an ensemble, whose folder is the model: the seeds of its trained members."""
    weights: Weights = "last"
    """Of a run's folder: which of its weights answer."""

    @property
    def key(self) -> str:
        """Its name among the windows: one network with other weights is another one."""
        return key_of(self.model, self.weights)

    @property
    def source(self) -> Path | None:
        """Where its weights lie: a run folder stands for its last ones, a file for others. None without a place."""
        if not isinstance(self.model, Path):
            return None
        return self.model if self.weights == "last" else model_file(self.model, self.weights)

    def askable(self) -> tuple[Who, ...]:
        """Who can be asked, the usual one first."""
        if not self.seeds:
            return ("run",)
        several: tuple[Who, ...] = ("members",) if len(self.seeds) > 1 else ()
        random: tuple[Who, ...] = ("passes",) if self.is_random else ()
        return (*several, *random, "run")

    @property
    def is_random(self) -> bool:
        """Whether its network has a layer, such as dropout, that makes passes differ."""
        layers = (layer for layer in self.experiment.active_layers if isinstance(layer, RandomLayer))
        return any(getattr(layer, "rate", 1) > 0 for layer in layers)

    def model_of(self, who: Who) -> str | Path:
        """The model that answers."""
        if who == "run" and self.seeds:
            return member_folder(Path(self.model), self.seeds[0])
        return self.model

    @property
    def predicts_number(self) -> bool:
        """Whether its data has a number to predict instead of classes."""
        return self.experiment.data.source.predicts_number


def key_of(model: str | Path, weights: Weights) -> str:
    """What a network with these weights is called among the windows."""
    return str(model) if weights == "last" else str(model_file(Path(model), weights))


def subject_at(place: Path, weights: Weights, records: Iterable[RunRecord] = ()) -> Subject:
    """The run, with these of its weights, the ensemble or the model file at `place`, called as in `records`.

    Raises `UserError` where it is none, cannot be read, or does not say on which data it was trained.
    """
    home = home_of(place)
    if is_ensemble(home):
        listed = next((one for one in records if one.home == home), None)
        found = _ensemble_at(home, short_name(home)) if listed is None else _ensemble(listed)
        if found is None:
            raise UserError(f"No member of {home.name} is trained yet.", "Train it first.")
        return found
    if not is_run(home):
        raise UserError(f"{place.name} does not say on which data it was trained.", "Open its run's folder.")
    record = next((one for one in records if one.home == home), None) or read_run(home)
    if weights == "last":
        return _subject_of_run(record)
    best = best_apart(home, read_metrics(home) or {})
    which = f"best weights, of epoch {best}" if best else "best weights"
    return Subject(home, codec.load(home / EXPERIMENT), f"{record.words}, {which}", weights=weights)


def subject_of(
    record: RunRecord | None, model: str | None, experiment: Experiment, *, opened: Path | None = None
) -> Subject | None:
    """What was turned to last: the model at `opened`, or the selected run if it has a network; else the model at hand.

    The title names the weights. None without a network. Raises `UserError` for a run whose experiment cannot be read.
    """
    if opened is not None and model is not None:
        return Subject(model, experiment, _title_of(opened, experiment))
    if record is not None and record.repeat is not None and (found := _ensemble(record)) is not None:
        return found
    if record is not None and record.has_network:
        return _subject_of_run(record)
    if model is not None:
        return Subject(model, experiment, experiment.name)
    return None


def _subject_of_run(record: RunRecord) -> Subject:
    title = record.words
    if (of := record.measured) is not None:
        since = f", shared layers changed by {' and '.join(of.changed_by)}" if of.outdated else ""
        title = f"{title}, {of.weights}{since}"
    return Subject(record.home, codec.load(record.home / EXPERIMENT), title)


def _ensemble(record: RunRecord) -> Subject | None:
    """The ensemble of a repeat, as far as it is trained; None while no member is."""
    which = f"run {record.number}, {record.name}" if record.number else record.name
    return _ensemble_at(record.folder, which)


def _ensemble_at(folder: Path, which: str) -> Subject | None:
    ensemble = read_ensemble(folder)
    seeds = tuple(trained_members(folder, ensemble))
    if not seeds:
        return None
    return Subject(folder, ensemble.experiment, f"{which}, {count_of(len(seeds), 'seed')}", seeds)


def _title_of(opened: Path, experiment: Experiment) -> str:
    """A model file's name, or the run that its weights are of."""
    home = opened if is_folder_there(opened) else opened.parent
    if not is_run(home):
        return f"{experiment.name}, weights of {opened.name}"
    if opened.name == BEST_MODEL:
        weights = "best weights"
    else:  # the best ones too, where an early stop put them back
        of = read_run(home).measured
        weights = of.weights if of is not None else "last weights"
    return f"{short_name(home)}, {experiment.name}, {weights}"
