"""Asking with how many seeds an experiment is trained, and how many of the trainings run at a time."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.study.repeat import HIGHEST_SEED
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.ensembles import MOST_SEEDS
from dnnstudio.gui.dialogs.where_field import AskPath, WhereField
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Dialog, Limits, NumberField, Steps, label, push_button
from dnnstudio.runner.capacity import default_jobs, threads_each
from dnnstudio.runner.cluster.access import Cluster

USUAL = 5
MOST_JOBS = 1024
TEACHES = (
    "One run proves little: its figures depend on the chance in its seed. Several seeds give a mean and its spread, "
    "and their networks together are an ensemble, which says where its members disagree."
)


@dataclass(frozen=True, slots=True)
class SeedsAnswer:
    """The chosen number of seeds and of trainings at a time, and where."""

    seeds: int
    jobs: int
    cluster: Cluster | None = None
    """Where they are trained; None for this machine."""


class SeedsDialog(Dialog):
    """Two numbers and a place, and what follows from them in a sentence."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        first_seed: int,
        *,
        ask_join_file: AskPath = lambda parent: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("seeds_dialog")
        self.setWindowTitle("Train with several seeds")
        self.setModal(True)
        self.setMinimumWidth(440)
        self._first = first_seed
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(f"Train {name} with several seeds", Role.DIALOG_TITLE, wrap=True))
        column.addWidget(label(TEACHES, Role.CAPTION, wrap=True))
        most = min(MOST_SEEDS, HIGHEST_SEED - first_seed + 1)
        self.seeds = self._field(theme, "The number of seeds", "field_seeds", most)
        self.seeds.setToolTip("How many networks are trained, alike but for the seed of all their chance.")
        self.seeds.set_value(min(USUAL, most))
        self.jobs = self._field(theme, "The trainings at a time", "field_jobs", MOST_JOBS)
        self.jobs.setToolTip("How many are trained side by side; the processors are divided among them.")
        self.jobs.set_value(default_jobs(USUAL))
        self.where = WhereField(ask_join_file)
        self.where.changed.connect(self._show_where)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        for title, field in (("Seeds", self.seeds), ("At a time", self.jobs), ("Where", self.where)):
            field.setAccessibleName(title)
            form.addRow(label(title, Role.FORM), field)
        column.addLayout(form)
        self.problem = label("", Role.ERROR, wrap=True)
        self.sentence = label("", Role.CAPTION, wrap=True)
        self.sentence.setObjectName("seeds_sentence")
        column.addWidget(self.problem)
        column.addWidget(self.sentence)
        column.addLayout(self._make_foot())
        for field in (self.seeds, self.jobs):
            field.problem_changed.connect(self._show_problem)
            field.committed.connect(self._show_sentence)
            field.entered.connect(self._accept_if_fine)
        self.seeds.selectAll()
        self._show_problem()
        self._show_sentence()

    def _field(self, theme: Theme, title: str, name: str, most: int) -> NumberField:
        field = NumberField(
            theme, title=title, integer=True, limits=Limits(ge=1, le=most), steps=Steps.COUNT, arrows=True
        )
        field.setObjectName(name)
        return field

    def _make_foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        self.apply = push_button("Train", Role.PRIMARY)
        self.apply.setObjectName("apply")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._accept_if_fine)
        row.addWidget(cancel)
        row.addWidget(self.apply)
        return row

    @property
    def answer(self) -> SeedsAnswer | None:
        """What stands in the fields; None while one of them is wrong."""
        seeds, jobs = self.seeds.value(), self.jobs.value()
        if self.seeds.problem or self.jobs.problem or seeds is None or jobs is None or not self.where.ready:
            return None
        return SeedsAnswer(int(seeds), min(int(jobs), int(seeds)), self.where.cluster)

    def _show_where(self) -> None:
        """As many at a time as the chosen place can do."""
        cluster = self.where.cluster
        if self.where.ready:
            self.jobs.set_value(cluster.slots if cluster is not None else default_jobs(USUAL))
        set_reason(self.apply, self.where.refusal)
        self._show_sentence()

    def _show_problem(self, _: object = None) -> None:
        self.problem.setText(self.seeds.problem or self.jobs.problem)
        self.problem.setVisible(bool(self.problem.text()))

    def _show_sentence(self, _: object = None) -> None:
        answer = self.answer
        if answer is None:
            self.sentence.setText("")
            return
        last = self._first + answer.seeds - 1
        which = f"Seeds {self._first} to {last}" if answer.seeds > 1 else f"Seed {self._first}"
        each = threads_each(answer.jobs) if answer.cluster is None else answer.cluster.threads
        threads = count_of(each, "thread")
        self.sentence.setText(f"{which}; {answer.jobs} at a time, {threads} each. The window stays free meanwhile.")

    def _accept_if_fine(self) -> None:
        for field in (self.seeds, self.jobs):
            field.commit()
        if self.answer is not None:
            self.accept()

    @classmethod
    def ask(
        cls, theme: Theme, name: str, first_seed: int, *, ask_join_file: AskPath, parent: QWidget | None
    ) -> SeedsAnswer | None:
        """The answer, or None when the person thought better of it."""
        dialog = cls(theme, name, first_seed, ask_join_file=ask_join_file, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        answer = dialog.answer
        dialog.deleteLater()
        return answer if accepted else None
