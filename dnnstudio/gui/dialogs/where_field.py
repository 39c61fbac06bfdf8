"""Where trainings run: on this machine, or on the cluster of a join file, which is asked what it can do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import Choice, ComboBox, label
from dnnstudio.runner.cluster.access import Cluster, find_cluster
from dnnstudio.runner.cluster.extra import require

HERE, ANOTHER = "here", "another"
ASKING = "Asking the cluster what it can do."
FAULT = "The cluster could not be asked, by a fault of the program."
LOOK_MS = 50

AskPath = Callable[[QWidget], Path | None]
"""Asks a person for a join file, before this widget."""


class WhereField(QWidget):
    """A choice, and below it what the cluster can do or why it cannot be used. `changed` whenever its answer does.

    The cluster is asked on a thread of its own, for up to seconds, and its answer is taken from a queue: nothing is
    told to a window that is closed meanwhile.
    """

    changed = Signal()

    def __init__(self, ask_path: AskPath, *, find: Callable[[Path], Cluster] = find_cluster) -> None:
        super().__init__()
        self.setObjectName("field_where")
        self._ask_path, self._find = ask_path, find
        self.cluster: Cluster | None = None
        """The cluster that is chosen and has answered; None for this machine, and while it has not."""
        self._path: Path | None = None
        self._answers: SimpleQueue[tuple[Path, Cluster | BaseException]] = SimpleQueue()
        self.box = ComboBox()
        self.box.setObjectName("where_box")
        self.box.setAccessibleName("Where the trainings run")
        self.box.setToolTip("Other machines join a cluster by the file that `dnnstudio cluster` writes.")
        self.box.chosen.connect(self._choose)
        self.said = label("", Role.CAPTION, wrap=True)
        self.said.setObjectName("where_said")
        self.problem = label("", Role.ERROR, wrap=True)
        self.problem.setObjectName("where_problem")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for part in (self.box, self.said, self.problem):
            column.addWidget(part)
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._take_answer)
        self._show("", "")

    @property
    def ready(self) -> bool:
        """Whether trainings can begin: on this machine, or on a cluster that has answered."""
        return self._path is None or self.cluster is not None

    @property
    def refusal(self) -> str:
        """Why trainings cannot begin there yet, or ""."""
        return "" if self.ready else self.problem.text() or ASKING

    def choose_path(self, path: Path) -> None:
        """Ask the cluster of this join file."""
        self._path, self.cluster = path, None
        self._show(ASKING, "")
        threading.Thread(target=self._ask, args=(path,), name="asking a cluster", daemon=True).start()
        self._look.start()
        self.changed.emit()

    def _choose(self, value: object) -> None:
        match value:
            case Path() as path:
                self.choose_path(path)
            case str() if value == ANOTHER:
                self._choose_another()
            case _:
                self._path = self.cluster = None
                self._show("", "")
                self.changed.emit()

    def _choose_another(self) -> None:
        try:
            require()
        except UserError as error:
            self._path = self.cluster = None
            self._show("", str(error))
            self.changed.emit()
            return
        path = self._ask_path(self)
        if path is None:
            self._show(self.said.text(), self.problem.text())
        else:
            self.choose_path(path)

    def _ask(self, path: Path) -> None:
        try:
            self._answers.put((path, self._find(path)))
        except BaseException as error:  # whatever it is: nobody must wait for ever for the answer
            self._answers.put((path, error))

    def _take_answer(self) -> None:
        try:
            path, found = self._answers.get_nowait()
        except Empty:
            return
        if path != self._path:  # another one was chosen meanwhile
            return
        self._look.stop()
        if isinstance(found, BaseException):
            self._show("", str(found) if isinstance(found, UserError) else FAULT)
        else:
            self.cluster = found
            threads = count_of(found.threads, "thread")
            self._show(f"It trains {found.slots:,} at a time, with {threads} each.", "")
        self.changed.emit()
        if isinstance(found, BaseException) and not isinstance(found, UserError):
            raise found

    def _show(self, said: str, problem: str) -> None:
        choices = [Choice(HERE, "This machine", "In processes beside this window")]
        if self._path is not None:
            choices.append(Choice(self._path, f"Cluster of {self._path.name}", str(self._path)))
        choices.append(Choice(ANOTHER, "Join file…", "The machines of a cluster, by the file that it has written"))
        self.box.set_choices(choices)
        self.box.set_value(HERE if self._path is None else self._path)
        for line, text in ((self.said, said), (self.problem, problem)):
            line.setText(text)
            line.setVisible(bool(text))
