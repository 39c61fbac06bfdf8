"""The open experiment: its undo history, its file, and what is derived from it (shapes, problems, selection).

Widgets hold no state of their own: they read the document and push edited experiments to it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from dnnstudio.core.analysis.checks import Checker, Problem
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, DataSummary, known_summary, task_class_names
from dnnstudio.core.experiment.layers import Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes, totals
from dnnstudio.core.planning.opening import Opening, opened
from dnnstudio.core.planning.rates import without_stale_changes

MERGE_WITHIN_S = 1.0
"""Edits of one field that follow each other faster than this are one undo step."""
REMEMBERED_SUMMARIES = 64


@dataclass(slots=True)
class State:
    """The document at one place of the undo stack, and how it came to be."""

    experiment: Experiment
    key: str | None = None
    time_s: float = 0.0
    selection_before: tuple[str, ...] = ()
    """The selection before the step that leads here; undo restores it."""
    selection_after: tuple[str, ...] | None = None
    """The selection when the step was undone; redo restores it."""


class Document(QObject):
    """The experiment that the window shows, with undo, file and selection.

    `experiment_changed` carries the new `Experiment`, `summary_changed` a `DataSummary` or None, `path_changed` a
    `Path` or None, `selection_changed` the tuple of selected layer ids, `modified_changed` a bool.

    The undo stack holds bare commands, which know their names only; the states lie beside it in a list. Commands
    written in Python are deleted by Qt behind the garbage collector's back, which then crashes (PySide6 6.11).
    """

    experiment_changed = Signal(object)
    summary_changed = Signal(object)
    path_changed = Signal(object)
    selection_changed = Signal(object)
    modified_changed = Signal(bool)

    def __init__(
        self,
        experiment: Experiment | None = None,
        *,
        path: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.clock = clock
        self.undo_stack = QUndoStack(self)
        self.undo_stack.cleanChanged.connect(self._tell_modified)
        self.undo_stack.indexChanged.connect(self._go_to)
        self._experiment = experiment or Experiment()
        self._states = [State(self._experiment)]
        self._place = 0
        self._path = path
        self._stamp = _stamp(path)
        self._selection: tuple[str, ...] = ()
        self._summaries: OrderedDict[tuple[Data, int], DataSummary] = OrderedDict()
        self._source_names: dict[object, tuple[str, ...]] = {}
        self._summary = known_summary(self._experiment.data)
        self._shapes: tuple[LayerShape, ...] | None = None
        self._shapes_before: tuple[LayerShape, ...] = ()
        self._problems: tuple[Problem, ...] | None = None
        self._checker = Checker()

    # ------------------------------------------------------------------------------------------ the experiment

    @property
    def experiment(self) -> Experiment:
        return self._experiment

    def push(
        self, after: Experiment, text: str, key: str | None = None, *, select: Iterable[str] | None = None
    ) -> None:
        """Make `after` the experiment, as an undo step called `text` ("Add dense_2").

        Changes of the rate that a run has recorded are forgotten where the edit makes them meaningless.
        Steps with the same `key` in quick succession merge into one. `select` names the layers selected afterwards.
        Nothing happens when nothing changed.
        """
        wanted = None if select is None else set(select)
        after = without_stale_changes(self._experiment, after)
        if after != self._experiment:
            self._push(after, text, key, wanted)
        elif wanted is not None:
            self.select(wanted)

    def layer(self, layer_id: str) -> Layer | None:
        """The layer of that id, or None."""
        return next((layer for layer in self._experiment.layers if layer.id == layer_id), None)

    @property
    def modified(self) -> bool:
        """Whether something changed since the last save."""
        return not self.undo_stack.isClean()

    # ----------------------------------------------------------------------------------------------- the file

    @property
    def path(self) -> Path | None:
        return self._path

    def new(self, given: Experiment, *, kind: Opening = Opening.EXPERIMENT, path: Path | None = None) -> None:
        """Open another experiment: no undo history, nothing selected; `kind` says what stays of the one before."""
        experiment = opened(self._experiment, given, kind)
        self._selection = ()
        self._states, self._place = [State(experiment)], 0
        self._stamp = _stamp(path)
        self.undo_stack.clear()
        self.undo_stack.setClean()
        self._set_path(path)
        self._show(experiment, ())

    def open(self, path: Path) -> None:
        """Open an experiment file. Raises `UserError`; the document is then unchanged."""
        self.new(codec.load(path), path=path)

    def save(self, path: Path | None = None) -> None:
        """Write the experiment to `path`, or to where it came from. Raises `UserError`; it then stays unsaved."""
        target = path or self._path
        if target is None:
            raise UserError("This experiment has no file yet.", "Choose where to save it.")
        codec.save(self._experiment, target, keep_previous=True)
        self._stamp = _stamp(target)
        self.undo_stack.setClean()
        self._set_path(target)

    @property
    def changed_on_disk(self) -> bool:
        """Whether another program has written the document's file since it was opened or saved here."""
        now = _stamp(self._path)
        return now is not None and now != self._stamp

    # ------------------------------------------------------------------------------------------ the selection

    @property
    def selection(self) -> tuple[str, ...]:
        """The ids of the selected layers, in the order of the stack."""
        return self._selection

    def select(self, ids: Iterable[str]) -> None:
        """Select these layers; ids that are not in the stack are left out."""
        wanted = set(ids)
        selection = tuple(layer.id for layer in self._experiment.layers if layer.id in wanted)
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit(selection)

    @property
    def selected_layers(self) -> tuple[Layer, ...]:
        wanted = set(self._selection)
        return tuple(layer for layer in self._experiment.layers if layer.id in wanted)

    # ---------------------------------------------------------------------------------------- what is derived

    @property
    def summary(self) -> DataSummary | None:
        """The summary of the data; None before a file has been read."""
        return self._summary

    def set_summary(self, summary: DataSummary, *, data: Data | None = None, seed: int | None = None) -> None:
        """Take what reading `data` (the current data unless given) gave. Remembered for undo as well."""
        data = self._experiment.data if data is None else data
        seed = self._experiment.seed if seed is None else seed
        self._summaries[data, seed] = summary
        while len(self._summaries) > REMEMBERED_SUMMARIES:
            self._summaries.popitem(last=False)
        if data.classes.keep is None and data.classes.positive is None:
            self._source_names[data.source] = summary.class_names
        if (data, seed) == (self._experiment.data, self._experiment.seed):
            self._set_summary(summary)

    @property
    def source_class_names(self) -> tuple[str, ...]:
        """The names of all classes of the source, kept or not, as far as they are known; empty before it was read."""
        data = self._experiment.data
        known = data.source.class_names or self._source_names.get(data.source, ())
        if known or data.classes.keep is None:
            return known
        return tuple(str(label) for label in range(max(data.classes.keep) + 1))

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        """Input, output and variables of each layer, in order."""
        if self._shapes is None:
            shape = self._summary.input_shape if self._summary else None
            self._shapes = infer_shapes(self._experiment.layers, shape, before=self._shapes_before)
            self._shapes_before = self._shapes
        return self._shapes

    @property
    def parameter_counts(self) -> tuple[int, int]:
        """Trainable and non-trainable parameters of the stack."""
        return totals(self.shapes)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the present experiment."""
        if self._problems is None:
            self._problems = self._checker.find(self._experiment, self._summary, rows=self.shapes)
        return self._problems

    # ------------------------------------------------------------------------------------------------ inside

    def _push(self, after: Experiment, text: str, key: str | None, wanted: set[str] | None) -> None:
        chosen = None if wanted is None else tuple(layer.id for layer in after.layers if layer.id in wanted)
        now, top = self.clock(), self._states[self._place]
        merges = key is not None and key == top.key and now - top.time_s <= MERGE_WITHIN_S
        if merges and self._place == self.undo_stack.count() and not self.undo_stack.isClean():
            self._merge(after, now, chosen)
            return
        del self._states[self._place + 1 :]
        self._states.append(State(after, key, now, self._selection))
        self._place += 1
        self.undo_stack.push(QUndoCommand(text))
        self._show(after, chosen)

    def _merge(self, after: Experiment, now: float, chosen: tuple[str, ...] | None) -> None:
        """Let the last step lead to `after`; a step that leads back to where it began is dropped."""
        if after == self._states[self._place - 1].experiment:
            self.undo_stack.command(self._place - 1).setObsolete(True)
            self._states.pop()
            self._place -= 1
            self.undo_stack.undo()
        else:
            top = self._states[self._place]
            top.experiment, top.time_s = after, now
        self._show(after, chosen)

    def _go_to(self, place: int) -> None:
        """Undo and redo: show the state at that place of the stack."""
        if place == self._place or place >= len(self._states):
            return
        undone = place < self._place
        if undone:
            self._states[self._place].selection_after = self._selection
        selection = self._states[place + 1].selection_before if undone else self._states[place].selection_after
        self._place = place
        self._show(self._states[place].experiment, selection)

    def _show(self, experiment: Experiment, selection: tuple[str, ...] | None) -> None:
        before, self._experiment = self._experiment, experiment
        summary = self._summary
        if (experiment.data, experiment.seed) != (before.data, before.seed):
            summary = self._guess_summary(before)
        changed = summary != self._summary
        self._summary, self._shapes, self._problems = summary, None, None
        selection = self._selection if selection is None else selection
        present = {layer.id for layer in experiment.layers}
        kept = tuple(layer_id for layer_id in selection if layer_id in present)
        selection_changed, self._selection = kept != self._selection, kept
        self.experiment_changed.emit(experiment)
        if changed:
            self.summary_changed.emit(summary)
        if selection_changed:
            self.selection_changed.emit(kept)

    def _guess_summary(self, before: Experiment) -> DataSummary | None:
        """The summary of data that is not read yet: remembered, known beforehand, or the last one of that source."""
        data = self._experiment.data
        remembered = self._summaries.get((data, self._experiment.seed))
        if remembered is not None or self._summary is None or data.source != before.data.source:
            return remembered or known_summary(data)
        names = self.source_class_names
        same_rows = all(
            getattr(data, name) == getattr(before.data, name)
            for name in ("classes", "validation", "train_limit", "test_share")
        )
        return replace(
            self._summary,
            class_names=task_class_names(data.classes, names) if names else self._summary.class_names,
            binary=data.classes.positive is not None,
            counts=self._summary.counts if same_rows else None,
            class_counts=self._summary.class_counts if same_rows else (),
            fingerprint="",
        )

    def _set_summary(self, summary: DataSummary) -> None:
        if summary != self._summary:
            self._summary, self._shapes, self._problems = summary, None, None
            self.summary_changed.emit(summary)

    def _set_path(self, path: Path | None) -> None:
        if path != self._path:
            self._path = path
            self.path_changed.emit(path)

    def _tell_modified(self, clean: bool) -> None:
        self.modified_changed.emit(not clean)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Time of the last change and size of a file, None where there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)
