"""The transfer dialog: the user chooses a source, layers and phases, and it returns an experiment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from dnnstudio.core.analysis import reuse_planner as reuse_plan
from dnnstudio.core.analysis.reuse_planner import Line, LineMode, Verdict
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning import phases as reuse_phases
from dnnstudio.core.planning.stages import phase_optimizer
from dnnstudio.core.text import count_of, listed, share_text
from dnnstudio.core.workspace.shared_layers import will_change
from dnnstudio.core.workspace.sources import TrainedSource, place_of, short_name, source_text
from dnnstudio.gui.base.shortcuts import TRANSFER, bind
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.bars import Foot, TopBar
from dnnstudio.gui.transfer.frozen_dialog import FrozenDialog
from dnnstudio.gui.transfer.optimizer_dialog import OptimizerDialog
from dnnstudio.gui.transfer.pairs_card import PairsCard
from dnnstudio.gui.transfer.phases_card import PhasesCard
from dnnstudio.gui.transfer.request import Deed, TransferAnswer, TransferRequest
from dnnstudio.gui.transfer.sources import SourceReader
from dnnstudio.gui.widgets import Dialog
from dnnstudio.gui.widgets.windows import reading_order

ABOVE_AND_BELOW = 80
"""Pixels of the screen that the dialog leaves free when it grows."""
SPLIT = "If this data is to be both tasks, split it into two."


class TransferDialog(Dialog):
    """Edits a draft of the request's experiment; nothing is changed until it is applied."""

    def __init__(self, theme: Theme, request: TransferRequest, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transfer_dialog")
        self.setWindowTitle("Reuse trained layers")
        self.setModal(True)
        self.setMinimumSize(960, 600)
        self.resize(1120, 780)
        self._theme = theme
        self._request = request
        self.draft: Experiment = request.experiment
        self.source: TrainedSource | None = None
        self.answer: TransferAnswer | None = None
        self._phase, self._grown, self._gone = 0, False, ""
        self._waiting: Path | None = None
        self._trouble: UserError | None = None
        self._reader = SourceReader(request.engine, request.workspace, self)
        self.top, self.pairs, self.phases, self.foot = TopBar(theme), PairsCard(theme), PhasesCard(theme), Foot(theme)
        self._lay_out()
        self._wire()
        self.foot.remove.setVisible(request.experiment.transfer is not None)
        self._begin()

    def _lay_out(self) -> None:
        column, body = QVBoxLayout(self), QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        body.setContentsMargins(12, 12, 12, 12)
        body.setSpacing(8)
        body.addWidget(self.pairs, 1)
        body.addWidget(self.phases)
        column.addLayout(body, 1)
        column.addWidget(self.foot)

    def _wire(self) -> None:
        top, pairs, phases, foot, reader = self.top, self.pairs, self.phases, self.foot, self._reader
        top.place_chosen.connect(self.choose)
        top.file_requested.connect(self._ask_for_file)
        pairs.mode_chosen.connect(self._set_mode)
        pairs.frozen_chosen.connect(self._set_frozen)
        pairs.reused_chosen.connect(self._set_reused)
        pairs.build_requested.connect(self._build)
        pairs.cure_requested.connect(lambda: self._change(reuse_plan.all_cloned(self.draft)))
        pairs.split_requested.connect(lambda: self._end("split"))
        phases.changed.connect(self._change_phase)
        phases.chosen.connect(self._show_phase)
        phases.freeze_requested.connect(self._freeze)
        phases.settings_requested.connect(self._set_optimizer)
        phases.moved.connect(self._move_phase)
        phases.removed.connect(self._remove_phase)
        phases.added.connect(self._add_phase)
        phases.vary_requested.connect(lambda number, name: self._end("vary", f"transfer.phases.{number}.{name}"))
        foot.cancelled.connect(self.reject)
        foot.removed.connect(lambda: self._end("remove"))
        foot.applied.connect(lambda: self._end("apply"))
        foot.trained.connect(lambda: self._end("train"))
        reader.found.connect(self._on_found)
        reader.listed.connect(self._on_listed)
        reader.read.connect(self._on_read)
        reader.refused.connect(self._on_refused)
        bind(self, TRANSFER, "Ctrl+Return", self.foot.train.click)

    def _begin(self) -> None:
        """Select the requested source, else the one named in the experiment, else the newest run."""
        request, transfer = self._request, self._request.experiment.transfer
        wanted = request.source
        if wanted is None and transfer is not None and transfer.source:
            wanted = place_of(transfer, request.document.parent if request.document is not None else None)
            if wanted is None:
                self._gone = f'The source "{transfer.source}" is not a trained model here.'
        self._reader.start()
        self.refresh()
        if wanted is not None:
            self.choose(wanted)

    @property
    def summary(self) -> DataSummary | None:
        return self._request.summary

    # ------------------------------------------------------------------------------------------ the source

    def choose(self, place: Path) -> None:
        """Select this run folder (read at once) or model file (read in the background)."""
        self._waiting, self._trouble, self._gone = place, None, ""
        self._reader.read_place(place)
        self.refresh()

    def _ask_for_file(self) -> None:
        path = self._request.choose_file(self)
        if path is not None:
            self.choose(path)

    def _on_found(self, source: TrainedSource) -> None:
        self.top.add(source)
        if self.source is None and self._waiting is None and self._trouble is None and self._may_be_meant(source):
            self._on_read(source)

    def _may_be_meant(self, source: TrainedSource) -> bool:
        """Whether a run may be preselected: one on other data of the same shape, never the experiment's own."""
        shape = self.summary.input_shape if self.summary is not None else None
        other = source.experiment.data != self.draft.data or source.experiment.pretraining is not None
        return other and source.input_shape in (None, shape)

    def _on_listed(self, files: tuple[Path, ...]) -> None:
        for path in files:
            self.top.add_file(path)
        self.top.searched = True
        self.top.show_source(self.source)
        self.refresh()

    def _on_read(self, source: TrainedSource) -> None:
        self._waiting, self._trouble, self.source = None, None, source
        self.top.show_source(source)
        if self.summary is not None:
            text = source_text(source.place, self._request.document, self._request.workspace)
            self.draft = reuse_plan.with_source(self.draft, self.summary.input_shape, source, text)
        self.refresh()
        self._grow()

    def _on_refused(self, place: Path, error: UserError) -> None:
        if place == self._waiting:
            self._waiting = None
        self._trouble = error
        self.top.show_source(self.source)
        self.refresh()

    def _grow(self) -> None:
        """Once, when the networks are first shown: as high as necessary, as far as the screen allows."""
        if not self._grown:
            self._grown = True
            room = self.screen().availableGeometry().height() - ABOVE_AND_BELOW
            self.resize(self.width(), max(self.height(), min(self.sizeHint().height(), room)))

    # ------------------------------------------------------------------------------------------ edits of the draft

    def _change(self, after: Experiment) -> None:
        self.draft = after
        self.refresh()

    def _attempt(self, edit: Callable[[], Experiment]) -> None:
        try:
            self._change(edit())
        except UserError as error:
            self._trouble = error
            self.refresh()
            self._trouble = None

    def _set_mode(self, line: Line, mode: LineMode) -> None:
        self._change(reuse_plan.with_mode(self.draft, line, mode))

    def _set_reused(self, names: tuple[str, ...]) -> None:
        self._change(reuse_plan.with_reused(self.draft, self._lines(), names))

    def _set_frozen(self, layer: str, frozen: bool) -> None:
        self._change(reuse_phases.with_frozen(self.draft, self._phase, (layer,), frozen))

    def _build(self) -> None:
        source, summary = self.source, self.summary
        if source is None or summary is None:
            return
        text = source_text(source.place, self._request.document, self._request.workspace)
        self._attempt(
            lambda: reuse_plan.with_source(
                reuse_plan.build_from(self.draft, source, summary), summary.input_shape, source, text
            )
        )

    def _change_phase(self, number: int, field: str, value: object) -> None:
        changes = {field: value} | ({"learning_rate": None} if field == "optimizer" else {})
        self._change(reuse_phases.change_phase(self.draft, number, **changes))

    def _set_optimizer(self, number: int) -> None:
        assert self.draft.transfer is not None
        optimizer = phase_optimizer(self.draft, self.draft.transfer.phases[number])
        answer = OptimizerDialog.ask(self._theme, self.draft, optimizer, number, parent=self)
        if answer is None:
            return
        after, vary = answer
        self._change(reuse_phases.change_phase(self.draft, number, optimizer=after, learning_rate=None))
        if vary:
            self._end("vary", f"transfer.phases.{number}.optimizer.{vary}")

    def _show_phase(self, number: int) -> None:
        if number != self._phase:
            self._phase = number
            self.refresh()

    def _freeze(self, number: int) -> None:
        self._phase = number
        after = FrozenDialog.ask(self._theme, self.draft, number, parent=self)
        if after is not None:
            self._change(after)

    def _move_phase(self, number: int, by: int) -> None:
        self._phase = number + by
        self._change(reuse_phases.with_phase_moved(self.draft, number, by))

    def _remove_phase(self, number: int) -> None:
        assert self.draft.transfer is not None
        phases = self.draft.transfer.phases
        self._phase = max(0, min(self._phase, len(phases) - 2))
        self._change(reuse_phases.with_phases(self.draft, (*phases[:number], *phases[number + 1 :])))

    def _add_phase(self) -> None:
        self._change(reuse_phases.with_phase_added(self.draft))

    # ------------------------------------------------------------------------------------------ showing

    def _lines(self) -> tuple[Line, ...]:
        if self.source is None or self.summary is None:
            return ()
        return reuse_plan.lines(self.draft, self.summary.input_shape, self.source)

    def refresh(self) -> None:
        """Show the present draft."""
        source, summary, transfer = self.source, self.summary, self.draft.transfer
        self._show_heads()
        if source is None or summary is None or transfer is None:
            self._show_nothing()
        else:
            count = len(transfer.phases)
            self._phase = max(0, min(self._phase, count - 1))
            every = self._lines()
            phase = f"phase {self._phase + 1}" if count else ""
            self.pairs.show_lines(every, reuse_phases.frozen_in(self.draft, self._phase), phase)
            self._show_strips(source, every)
            self.phases.show_phases(self.draft, summary.input_shape, self._phase)
        self.phases.setVisible(source is not None and summary is not None)
        verdict = self.verdict()
        self.foot.show_verdict(verdict, training=self._request.training)

    def verdict(self) -> Verdict:
        """The verdict shown at the foot."""
        if self._trouble is not None:
            usable = self.source is not None and self.summary is not None
            found = reuse_plan.judge(self.draft, self.summary, self.source) if usable and self.summary else None
            fine = found is not None and found.can_apply
            return Verdict("error", self._trouble.message, self._trouble.hint, fine, fine and found.can_train)  # type: ignore[union-attr]
        if self._waiting is not None:
            when = " when the training has ended" if self._request.training else ""
            return Verdict("hint", f"{self._waiting.name} is being read{when}.", "", False, False)
        if self.summary is None:
            return Verdict("error", "The data is not read yet, so its shape is not known.", "", False, False)
        if self.source is None and self._gone:
            return Verdict("error", self._gone, "Choose another source.", False, False)
        return reuse_plan.judge(self.draft, self.summary, self.source)

    def _show_heads(self) -> None:
        source, summary = self.source, self.summary
        if source is not None:
            parts: list[str] = []  # which weights the figure is of comes first: a narrow head cuts the end
            if source.val_accuracy is not None:
                of = f" ({source.measured})" if source.measured else ""
                parts.append(f"val. {share_text(source.val_accuracy)}{of}")
            parts += [source.short if source.name != source.short else "", source.task]
            self.pairs.source_head.show_words(f"From: {source.name}", ", ".join(filter(None, parts)))
            self.pairs.source_head.detail.set_hint(" ".join(source.notes))
        else:
            self.pairs.source_head.show_words("From: no source yet", "Choose a run or a model file above")
        rows = summary.counts[0] if summary is not None and summary.counts else self.draft.data.train_limit
        outputs = {0: "", 1: "one output"}.get(summary.outputs, f"{summary.outputs} outputs") if summary else ""
        detail = ", ".join(filter(None, (count_of(rows, "training row") if rows else "", outputs)))
        self.pairs.target_head.show_words(f"To: {self.draft.name}", detail)

    def _show_nothing(self) -> None:
        if self.summary is None:
            self.pairs.show_empty("The data is not read yet.", "Choose the data in the main window first.")
        elif self._waiting is not None or self._trouble is not None:
            self.pairs.show_empty("No source yet.", "Choose a run of the workspace, or open a model file.")
        elif self.top.sources.choices():
            none_fits = "No run here was trained on another task with rows of this shape."
            self.pairs.show_empty(none_fits, f"Choose a source above, or train task A first. {SPLIT}")
        elif self._reader.searching:
            self.pairs.show_empty("Looking for trained models…", "The runs of the workspace are read.")
        else:
            self.pairs.show_empty("There is no trained model yet.", f"Train a network for task A first. {SPLIT}")

    def _show_strips(self, source: TrainedSource, every: tuple[Line, ...]) -> None:
        pairs, shape = self.pairs, self._request.summary.input_shape if self._request.summary else ()
        fits = source.input_shape in (None, shape)
        build = fits and not reuse_plan.resembles(every)
        pairs.build_strip.set_warning(
            "The two networks differ.",
            "Its layers with a new output for this task would all fit.",
            fix="Build the network from the source",
            severity="news",
        )
        pairs.build_strip.setVisible(build)
        if self._gone:
            name = source.short[:1].upper() + source.short[1:]
            pairs.split_strip.set_warning(
                self._gone, f"{name} stands in for it; choose another one if that is not meant."
            )
            pairs.split_strip.setVisible(True)
            self._show_shared(source)
            return
        same = source.experiment.data == self.draft.data and source.experiment.pretraining is None
        pairs.split_strip.set_warning(
            "The source was trained on this very task.",
            "Reuse pays off from one task to another.",
            fix="Split into tasks…",
            severity="news",
        )
        pairs.split_strip.setVisible(same and source.task != "")
        self._show_shared(source)

    def _show_shared(self, source: TrainedSource) -> None:
        strip, shared = self.pairs.strip, reuse_plan.changing_shared(self.draft)
        strip.setVisible(bool(shared))
        if not shared:
            return
        phases = sorted({number for layer in shared for number in reuse_phases.phases_that_change(self.draft, layer)})
        when = f"In phase {' and '.join(map(str, phases))} " if phases else "In training "
        several = len(shared) > 1
        try:
            others = [short_name(place) for place in will_change(source.place, shared)]
        except UserError:
            others = [source.short]
        strip.set_warning(
            f"{listed(shared)} {'are' if several else 'is'} shared.",
            f"{when}{'their' if several else 'its'} weights change in {' and '.join(others)} too, "
            "and what was learnt there may be forgotten.",
            fix="Clone them instead" if several else "Clone it instead",
        )

    # ------------------------------------------------------------------------------------------ the end

    def _end(self, deed: Deed, vary: str = "") -> None:
        experiment = self.draft
        if deed == "remove":
            experiment = self._request.experiment.replaced(transfer=None)
        elif deed == "split":
            experiment = self._request.experiment
        self.answer = TransferAnswer(experiment, deed, vary)
        self.accept()

    def done(self, result: int) -> None:
        self._reader.close()
        super().done(result)

    def focusNextPrevChild(self, forward: bool) -> bool:
        return reading_order.step((self,), self.focusWidget(), forward=forward) or super().focusNextPrevChild(forward)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            button = self.focusWidget()  # fields handle plain Return themselves; Ctrl+Return applies and trains
            if isinstance(button, QPushButton):
                button.click()
            return
        super().keyPressEvent(event)

    @classmethod
    def ask(cls, theme: Theme, request: TransferRequest, *, parent: QWidget | None) -> TransferAnswer | None:
        """The user's answer; None if the dialog was cancelled."""
        dialog = cls(theme, request, parent=parent)
        dialog.exec()
        dialog.deleteLater()
        return dialog.answer
