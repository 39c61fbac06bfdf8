"""The part of the model library that needs arrays: contents of model files, and comparison of two models by their
figures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes, totals
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import CompareModels, ListLibrary
from dnnstudio.core.jobs.results import Library, ModelComparison
from dnnstudio.core.os_errors import found_in, is_file_there, reason_of
from dnnstudio.core.workspace.catalog import (
    MODELS,
    SUFFIXES,
    Entry,
    compare_layers,
    compare_options,
    identities,
    run_entry,
    task_text,
)
from dnnstudio.core.workspace.fingerprints import layer_fingerprints, model_fingerprint
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.runs import EXPERIMENT, METRICS, MODEL, comparison_runs, run_folders
from dnnstudio.core.workspace.shared_layers import FILE as LINKS
from dnnstudio.core.workspace.shared_layers import links_file, read_links
from dnnstudio.engine.model_files import read_model

if TYPE_CHECKING:
    from dnnstudio.engine.reuse.loaded_model import LiveModel

Stamp = tuple[object, ...]
RUN_FILES = (EXPERIMENT, METRICS, HISTORY, LINKS, MODEL)
"""The files that determine a run's entry; it is read again only if one of them changes."""


class ModelShelf:
    """Reads runs and model files for the library, and caches them until they change."""

    def __init__(self) -> None:
        self._known: dict[Stamp, Entry] = {}

    def list(self, job: ListLibrary, control: Control, progress: Callable[[int, int, str], None]) -> Library:
        """The job's result. What cannot be read becomes a sentence."""
        runs = tuple(
            folder
            for folder in (*run_folders(job.workspace), *comparison_runs(job.workspace))
            if (folder / MODEL).exists()
        )
        files = (path.absolute() for path in (*model_files(job.workspace), *job.files))
        places = (*runs, *dict.fromkeys(files))
        entries: list[Entry] = []
        notes: list[str] = []
        for number, place in enumerate(places):
            control.check()
            if number % 10 == 0 or number >= len(runs):
                progress(number, len(places), f"Reading {place.name}.")
            try:
                entries.append(self._run(place) if number < len(runs) else self._file(place, control))
            except UserError as error:
                notes.append(f"{place.name}: {error}" if number < len(runs) else str(error))
        return Library(entries=tuple(sorted(entries, key=lambda entry: -entry.when)), notes=tuple(notes))

    def _run(self, folder: Path) -> Entry:
        stamp = (str(folder), *(_time_of(folder / name) for name in RUN_FILES))
        return self._remembered(stamp, partial(run_entry, folder))

    def _file(self, path: Path, control: Control) -> Entry:
        try:
            status = path.stat()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {reason_of(error)}.") from None
        stamp = (str(path), status.st_size, status.st_mtime_ns, _time_of(links_file(path)))
        return self._remembered(stamp, partial(_read_entry, path, status.st_mtime, control))

    def _remembered(self, stamp: Stamp, read: Callable[[], Entry]) -> Entry:
        if stamp not in self._known:
            self._known[stamp] = read()
        return self._known[stamp]


def _time_of(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def model_files(workspace: Path) -> tuple[Path, ...]:
    """The model files of a workspace."""
    found = found_in(workspace / MODELS, "*")
    return tuple(path for path in found if path.suffix.lower() in SUFFIXES and is_file_there(path))


def _read_entry(path: Path, when: float, control: Control) -> Entry:
    contents = read_model(path, control=control)
    experiment = contents.experiment or Experiment(name=path.stem[:200], layers=contents.layers)
    prints = layer_fingerprints(contents.arrays)
    return Entry(
        path=path,
        kind="file",
        name=path.name,
        task=task_text(experiment) if contents.experiment is not None else "",
        classes=(),
        experiment=experiment,
        input_shape=contents.input_shape,
        parameters=sum(totals(infer_shapes(contents.layers, contents.input_shape))),
        when=when,
        fingerprint=model_fingerprint(prints),
        layers=identities(experiment, read_links(path), prints),
    )


def compare_models(
    job: CompareModels,
    first: LiveModel,
    second: LiveModel,
    measure: Callable[[LiveModel, Experiment], dict[str, float]],
) -> ModelComparison:
    """Compare two models; `measure` returns a model's figures on the test part of an experiment's data. Raises
    `UserError`.
    """
    from dnnstudio.engine.model_files.writing import arrays_of

    prints = [layer_fingerprints(arrays_of(live.model)) for live in (first, second)]
    stacks: list[tuple[Any, ...]] = [
        tuple(layer for layer in live.experiment.active_layers if layer.kind != "input") for live in (first, second)
    ]
    figures, note = None, ""
    experiment = job.experiment or (first.experiment if first.has_experiment else None)
    if first.input_shape != second.input_shape:
        note = (
            f"One reads rows of {times(first.input_shape)}, the other of {times(second.input_shape)}; "
            "they cannot be measured on the same rows."
        )
    elif experiment is None:
        note = "Choose an experiment whose test part both are measured on."
    else:
        try:
            figures = (measure(first, experiment), measure(second, experiment))
        except UserError as error:
            note = f"They cannot be measured on the same rows: {error}"
    return ModelComparison(
        layers=compare_layers(stacks[0], stacks[1], prints[0], prints[1]),
        options=compare_options(first.experiment, second.experiment),
        same_weights=list(prints[0].values()) == list(prints[1].values()),
        figures=figures,
        note=note,
    )
