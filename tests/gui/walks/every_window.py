"""Opens every window and dialog of the program, by its actions, over a workspace with real runs.

A new action that opens something is walked over without being named here.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QTabBar, QWidget
from shiboken6 import isValid

from dnnstudio.core.experiment.data import Csv, Data
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.engine.session import Session
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Choice, Theme
from tests.core.study.sweep_kit import store_sweep

from ..window_kit import let_go
from .further_windows import questions, reusing, run_of, windows

PATIENCE_S = 60.0
NO_WINDOW = frozenset(
    [
        "quit",
        "theme",
        "train",
        "fold_runs",
        "whats_this",
        "show_run_folder",
        "undo",
        "redo",
        "new_empty",
        "one_epoch",
        "go_on",
    ]
)
"""Actions that change the window itself, train, or leave the program."""
OF_NUMBERS = ("uncertainty", "predict")
"""What has another window where a number is predicted."""
BEHIND = " / "
"""Between the name of a window and that of a tab behind its first one."""
Visit = Callable[[str, QWidget], None]


def with_dropout() -> Experiment:
    """A small network on the digits, of which every panel has something to show."""
    digits = load_recipe("digits").experiment
    layers = (
        Flatten(id="flatten"),
        Dense(id="dense_1", units=16, activation="relu"),
        Dropout(id="drop", rate=0.2),
        Dense(id="output", units=10, activation="softmax"),
    )
    return digits.replaced(layers=layers, training=digits.training.replaced(epochs=2))


def of_a_number(folder: Path) -> Experiment:
    """A small network that predicts a number from a table."""
    draw = np.random.default_rng(3)
    x = draw.normal(size=(240, 3))
    rows = [f"{a:.3f},{b:.3f},{c:.3f},{10 * a - b * c:.2f}" for a, b, c in x]
    (folder / "prices.csv").write_text("\n".join(["size,age,distance,price", *rows]))
    layers = (
        Dense(id="dense_1", units=16, activation="relu"),
        Dropout(id="drop", rate=0.2),
        Dense(id="output", units=1),
    )
    data = Data(source=Csv(path=str(folder / "prices.csv"), target="number"), scaling="standardize")
    return Experiment(name="Prices", data=data, layers=layers).replaced(training=Training(epochs=3))


def an_autoencoder() -> Experiment:
    """A small network on the digits that is pretrained as an autoencoder."""
    experiment = with_dropout()
    return experiment.replaced(
        name="Drawn", pretraining=Autoencoder(until="dense_1"), training=experiment.training.replaced(epochs=1)
    )


def fill_workspace(folder: Path) -> None:
    """Two trained runs of classes, a sweep, a run of a number, and a pretrained autoencoder."""
    session, experiment = Session(), with_dropout()
    for number, given in ((4, of_a_number(folder)), (5, an_autoencoder())):
        job = TrainRun(experiment=given, folder=folder / "runs" / f"{number:04} {given.name}")
        session.run(job, Control(), lambda event: None)
    for number in (1, 2):
        given = experiment.replaced(seed=number)
        job = TrainRun(experiment=given, folder=folder / "runs" / f"{number:04} {given.name}")
        session.run(job, Control(), lambda event: None)
    rate = "optimizer.learning_rate"
    store_sweep(folder / "sweeps" / "0003 Digits", {0: ({rate: 0.01}, 0.91), 1: ({rate: 0.05}, 0.96)})


class Flashes(QObject):
    """What was shown as a window of its own before it was put into another: it flashes up, and takes milliseconds."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._shown: list[tuple[str, weakref.ref[QWidget]]] = []
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.parentWidget() is None:
            self._shown.append((f"{type(watched).__name__}({watched.objectName()})", weakref.ref(watched)))
        return False

    def take(self) -> list[str]:
        """Those since the last time that are inside of something now."""
        shown, self._shown = self._shown, []
        alive = [(name, widget()) for name, widget in shown]
        return [name for name, one in alive if one is not None and isValid(one) and one.parentWidget() is not None]


class Program:
    """The real window with the real engine, and a way to open all that it can open."""

    def __init__(self, app: QApplication, folder: Path, theme: Choice = "light", size: tuple[int, int] = (1440, 900)):
        self.app = app
        self._folder = folder
        self.theme = Theme(app, theme)
        self.theme.apply()
        self.flashes = Flashes(app)
        settings = Settings(folder / f"settings {theme}")
        settings.workspace = folder
        self.engine = Engine(parent=app)
        self.window = MainWindow(Document(with_dropout()), self.engine, self.theme, settings)
        self.window.resize(*size)
        self.window.show()
        self.engine.start()
        self.until(lambda: self.engine.state.phase == "ready" and self.window.document.summary is not None)
        self.until(lambda: self.window.runs.runs.rowCount() == 5)
        self._select(1)

    def until(self, ready: Callable[[], bool]) -> None:
        """Run the event loop until `ready`."""
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            assert time.monotonic() < deadline, "the window did not come so far in time"
            self.app.processEvents()
            time.sleep(0.005)

    def rest(self, seconds: float) -> None:
        """Run the event loop for a while."""
        timer = QElapsedTimer()
        timer.start()
        self.until(lambda: timer.elapsed() > 1000 * seconds)

    def visit_all(self, visit: Visit) -> list[str]:
        """Call `visit` with every window, the main one first; returns their names."""
        found = ["main"]
        self._visit_tabs("main", self.window, visit)
        visit("main", self.window)
        for action in self.window.actions_:
            name = action.objectName().removeprefix("action_")
            if name not in NO_WINDOW and action.isEnabled():
                found += self._visit_opened(name, action.trigger, visit)
        self._select(4)
        for name in OF_NUMBERS:
            found += self._visit_opened(f"{name} of a number", self.window.actions_[name].trigger, visit)
        self._select(5)
        found += self._visit_opened("reconstructions", self.window.actions_["reconstructions"].trigger, visit)
        document = self.window.document
        document.push(reusing(document.experiment, run_of(self._folder, 1)), "Reuse layers")
        found += self._visit_opened("compare_transfer", self.window.actions_["compare_transfer"].trigger, visit)
        document.undo_stack.undo()
        for name, trigger in windows(self.window, self._folder):
            found += self._visit_opened(name, trigger, visit)
        for name, asked in questions(self.window, self._folder).items():
            for trigger in asked:
                found += self._visit_opened(name, trigger, visit)
        return found

    def _select(self, number: int) -> None:
        record = next(one for one in self.window.runs.runs.records if one.number == number)
        self.window.runs.select(record.folder)
        self.rest(0.3)

    def _visit_opened(self, name: str, trigger: Callable[[], None], visit: Visit) -> list[str]:
        before = set(self._shown())
        seen: list[str] = []
        faults: list[BaseException] = []

        def look(modal: bool) -> None:
            for widget in [one for one in self._shown() if one not in before]:
                if isinstance(widget, QDialog) and widget.isModal() != modal:
                    continue
                seen.append(f"{name}: {type(widget).__name__}")
                try:
                    if not isinstance(widget, QFileDialog):
                        self._visit_tabs(seen[-1], widget, visit)
                        visit(seen[-1], widget)
                except BaseException as fault:  # told after the dialog, whose own loop would swallow it
                    faults.append(fault)
                finally:
                    if isValid(widget):  # a visit may have closed it
                        widget.close()
                    if isValid(widget) and isinstance(widget, QDialog) and widget.isVisible():
                        widget.reject()

        poll = QTimer()
        poll.setInterval(150)
        poll.timeout.connect(lambda: self.app.activeModalWidget() is not None and look(modal=True))
        poll.start()
        trigger()
        self.rest(0.1)
        self.until(lambda: self.engine.state.phase != "busy")  # what a window shows is there
        self.rest(0.3)
        self.until(lambda: not self._asks())  # a short job does not show the engine as busy
        poll.stop()
        look(modal=False)
        self.rest(0.05)
        if faults:
            raise faults[0]
        return seen

    def _visit_tabs(self, name: str, window: QWidget, visit: Visit) -> None:
        """Visit the window with each of its tabs but the one in front."""
        for tabs in window.findChildren(QTabBar):
            front = tabs.currentIndex()
            for place in range(tabs.count()):
                if tabs.isVisible() and place != front and tabs.isTabEnabled(place) and tabs.isTabVisible(place):
                    tabs.setCurrentIndex(place)
                    self.rest(0.3)
                    self.until(lambda: self.engine.state.phase != "busy")
                    self.rest(0.3)
                    visit(f"{name}{BEHIND}{tabs.tabText(place)}", window)
            tabs.setCurrentIndex(front)
            self.rest(0.1)

    def _asks(self) -> bool:
        """Whether a window still waits for an answer of the engine."""
        return any(client.busy for widget in self._shown() for client in widget.findChildren(JobClient))

    def _shown(self) -> list[QWidget]:
        return [
            one for one in self.app.topLevelWidgets() if one.isVisible() and one.isWindow() and one is not self.window
        ]

    def close(self) -> None:
        """Close the window and end the engine."""
        self.app.removeEventFilter(self.flashes)
        self.flashes.deleteLater()
        self.window.close_without_asking()
        self.until(lambda: self.window.engine_ended)
        self.window.deleteLater()
        self.engine.deleteLater()
        self.theme.deleteLater()
        let_go()


@contextmanager
def program(app: Any, folder: Path, theme: Choice = "light", size: tuple[int, int] = (1440, 900)) -> Iterator[Program]:
    """The program, closed at the end."""
    made = Program(app, folder, theme, size)
    try:
        yield made
    finally:
        made.close()
