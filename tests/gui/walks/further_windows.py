"""Windows and questions that no action of the main window opens by itself: what a person drops, presses or must answer.

Every subclass of `Dialog` is opened by an action or here, and every question of `Dialogs` is asked here; tests say
which are missing.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt

import dnnstudio.gui
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer
from dnnstudio.core.workspace.catalog import Entry
from dnnstudio.core.workspace.runs import EXPERIMENT
from dnnstudio.gui.base.autosave_files import Unsaved
from dnnstudio.gui.data.two_classes import TwoClassDialog
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.bug_dialog import BugDialog
from dnnstudio.gui.dialogs.dialogs import TRIES
from dnnstudio.gui.exporting.report_dialog import ReportDialog
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.transfer.frozen_dialog import FrozenDialog
from dnnstudio.gui.transfer.optimizer_dialog import OptimizerDialog
from dnnstudio.gui.transfer.questions import TransferQuestions
from dnnstudio.gui.uncertainty.decision.cards import CostMatrixDialog
from dnnstudio.gui.uncertainty.help_text import HelpDialog
from dnnstudio.gui.widgets import Dialog

Open = Callable[[], object]
ASKED_BY_ACTIONS = frozenset(
    ["name_and_seed", "recipe", "summary", "more_epochs", "several_seeds", "reuse_layers", "split_tasks"]
)
"""Questions with a dialog of their own, which an action of the main window asks."""
LONG = "A name that somebody gave to an experiment, and which is longer than most of them"


def windows(window: MainWindow, folder: Path) -> Iterator[tuple[str, Open]]:
    """The windows that something else than an action opens, over the workspace `folder`."""
    bench, theme, engine = window.workbench, window.theme, window.engine
    digits, again = run_of(folder, 1), run_of(folder, 2)
    names = tuple(f"{number}" for number in range(10))
    plan = reusing(window.document.experiment, digits)
    yield "dropped table", lambda: bench.door.open_data((folder / "prices.csv",))
    yield "dropped note", lambda: bench.door.open_data((_note(folder),))
    yield "load weights", lambda: bench.weights.open(digits / "model.keras")
    yield "report", lambda: _shown(ReportDialog(engine, window.settings, digits, weights="last", parent=window))
    yield "frozen layers", lambda: FrozenDialog.ask(theme, plan, 0, parent=window)
    yield "optimizer of a phase", lambda: OptimizerDialog.ask(theme, plan, plan.optimizer, 0, parent=window)
    yield "costs", lambda: _shown(CostMatrixDialog(names, 1 - np.eye(10), parent=window))
    yield "uncertainty help", lambda: _shown(HelpDialog(window))
    yield "two classes", lambda: TwoClassDialog.ask(theme, names, Classes(), parent=window)
    yield "bug", lambda: _bug(window, folder)
    yield "compare two models", lambda: _compare(window, (digits, again))


def run_of(folder: Path, number: int) -> Path:
    """The folder of a run of the workspace."""
    return next((folder / "runs").glob(f"{number:04} *"))


def reusing(experiment: Experiment, source: Path) -> Experiment:
    """`experiment`, which starts from a layer of `source` and freezes it at first."""
    return experiment.replaced(
        transfer=Transfer(
            source=str(source),
            reuse=(Reuse(layer="dense_1", source="dense_1"),),
            phases=(Phase(epochs=1, frozen=("dense_1",)), Phase(epochs=2)),
        )
    )


def _shown(dialog: Dialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()


def _note(folder: Path) -> Path:
    """A file that is no table."""
    path = folder / "note.txt"
    path.write_text("Nothing but a sentence.")
    return path


def _bug(window: MainWindow, folder: Path) -> None:
    dialog = BugDialog(window.theme, folder / "dnnstudio.log", parent=window)
    dialog.add("ValueError: the value is wrong", "Traceback (most recent call last)")
    _shown(dialog)


def _compare(window: MainWindow, folders: Sequence[Path]) -> None:
    first, second = (
        Entry(
            path=folder,
            kind="run",
            name=folder.name,
            task="digits",
            classes=(),
            experiment=codec.load(folder / EXPERIMENT),
            input_shape=(8, 8),
        )
        for folder in folders
    )
    window.workbench.library.compare(first, second)


def questions(window: MainWindow, folder: Path) -> dict[str, tuple[Open, ...]]:
    """The questions of `Dialogs` and of `TransferQuestions` by the name of the method, with long names."""
    ask, transfer = Dialogs(window.theme, window.settings), TransferQuestions(window.theme)
    unsaved = [Unsaved(folder / "kept.json", Experiment(name=LONG), None, 1.7e9, tries) for tries in (0, TRIES)]
    return {
        "unsaved": (lambda: ask.unsaved(window, LONG),),
        "recover": tuple(lambda one=one: ask.recover(window, one) for one in unsaved),
        "overwrite": (lambda: ask.overwrite(window, folder / f"{LONG}.json"),),
        "stop_training": (lambda: ask.stop_training(window),),
        "predict_or_data": (
            lambda: ask.predict_or_data(window, LONG, [folder / f"{LONG}.csv"]),
            lambda: ask.predict_or_data(window, LONG, [folder / "a.png", folder / "b.png"]),
        ),
        "rename": (lambda: ask.rename(window, LONG[:40]),),
        "shared_training": (lambda: transfer.shared_training(window, ("dense_1", "output"), (LONG, "Other")),),
    }


def all_questions() -> set[str]:
    """The methods of `Dialogs` and `TransferQuestions` that ask something else than for a file or folder."""
    return {
        name
        for kind in (Dialogs, TransferQuestions)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and "Path" not in str(inspect.signature(method).return_annotation)
    }


def all_windows() -> set[str]:
    """The classes of windows and dialogs of the program that are opened as they are."""
    for module in pkgutil.walk_packages(dnnstudio.gui.__path__, "dnnstudio.gui."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return {one.__name__ for one in _below(Dialog) if not one.__subclasses__()}


def _below(kind: type[Dialog]) -> Iterator[type[Dialog]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("dnnstudio."):
            yield one
            yield from _below(one)
