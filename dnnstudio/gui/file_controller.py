"""Opening and saving: experiments, models, run folders; the question about unsaved changes; the recent files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import make_folder, write_atomically
from dnnstudio.core.jobs import EvaluateModel, Evaluation, OpenedModel, OpenModel, SavedModel
from dnnstudio.core.recipes import Recipe
from dnnstudio.core.runs import EXPERIMENT, is_run, safe_name
from dnnstudio.core.script import to_notebook, to_script
from dnnstudio.core.trained_source import rebased, with_whole_source
from dnnstudio.gui.actions import Actions
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.document import Document
from dnnstudio.gui.run_controller import RunController
from dnnstudio.gui.runs_model import NBSP, share
from dnnstudio.gui.settings import Settings

MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")


class FileController(QObject):
    """What the file actions do. `said(lead, text, severity)` is for the message bar."""

    said = Signal(str, str, str)
    recent_changed = Signal()

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        settings: Settings,
        dialogs: Dialogs,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._controller = controller
        self._settings = settings
        self._dialogs = dialogs
        controller.model_opened.connect(self._on_model_opened)
        controller.model_evaluated.connect(self._on_model_evaluated)
        controller.model_saved.connect(self._on_model_saved)

    def connect_actions(self, actions: Actions) -> None:
        """Make the actions of files do what this does."""
        actions.connect(
            {
                "new": self.new,
                "open": self.open,
                "open_model": self.open_model,
                "save": self.save,
                "save_as": self.save_as,
                "save_model": self.save_model,
                "export_script": self.export_script,
            }
        )

    # ------------------------------------------------------------------------------------------ experiments

    def new(self) -> None:
        """Ask which bundled experiment to start from."""
        recipe = self._dialogs.recipe(self._window)
        if recipe is not None:
            self.new_from(recipe)

    def new_from(self, recipe: Recipe) -> None:
        """Start from a bundled experiment."""
        if self.may_replace():
            self._document.new(recipe.experiment)
            self.said.emit(recipe.title + ".", recipe.teaches, "news")

    def open(self) -> None:
        """Ask for an experiment file and open it."""
        if not self.may_replace():
            return
        path = self._dialogs.open_experiment(self._window)
        if path is not None:
            self._open_path(path)

    def open_path(self, path: Path) -> None:
        """Open an experiment file, a model file or a run folder, whichever it is."""
        if self.may_replace():
            self._open_path(path)

    def show(self, file: Path) -> bool:
        """Open an experiment file without asking for what is not saved: that was asked before."""
        try:
            self._document.open(file)
        except UserError as error:
            self.tell(error)
            return False
        self.remember(file)
        return True

    def _open_path(self, path: Path) -> None:
        if path.suffix.lower() in MODEL_SUFFIXES and not path.is_dir():
            self._read_model(path)
            return
        file = path / EXPERIMENT if path.is_dir() else path
        if path.is_dir() and not is_run(path):
            self.tell(UserError(f"{path} is not a run folder: it holds no {EXPERIMENT}.", "Choose another one."))
            return
        if self.show(file):
            self.said.emit("", f"Opened {file.name}.", "news")

    def save(self) -> bool:
        """Save to the document's file, or ask for one. False when nothing was saved."""
        return self.save_as() if self._document.path is None else self._save_to(self._document.path)

    def save_as(self) -> bool:
        """Ask where to save. False when nothing was saved."""
        path = self._dialogs.save_experiment(self._window, self._suggestion())
        return path is not None and self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        document = self._document
        if path == document.path and document.changed_on_disk and not self._dialogs.overwrite(self._window, path):
            return False
        before = document.path.parent if document.path is not None else None
        try:
            # A source of reused layers that was named as seen from the old folder is named as seen from the new one.
            document.push(rebased(document.experiment, before, path.parent), "Name the source anew")
            document.save(path)
        except UserError as error:
            self.tell(error)
            return False
        self.remember(path)
        self.said.emit("", f"Saved {path.name}.", "news")
        return True

    def export_script(self) -> None:
        """Ask where to write the experiment as a script or notebook of plain Keras, and write it."""
        summary = self._document.summary
        if summary is None:
            self.tell(UserError("The data has not been read yet.", "Choose its files first."))
            return
        path = self._dialogs.export_script(self._window, self._suggestion())
        if path is None:
            return
        write = to_notebook if path.suffix == ".ipynb" else to_script
        try:
            write_atomically(path, write(self._document.experiment, summary).encode())
        except UserError as error:
            self.tell(error)
            return
        self.said.emit("", f"Exported to {path.name}.", "news")

    def may_replace(self) -> bool:
        """Ask about unsaved changes. True when the document may be replaced or closed."""
        if not self._document.modified:
            return True
        answer = self._dialogs.unsaved(self._window, self._document.experiment.name)
        return answer == "discard" or (answer == "save" and self.save())

    # ------------------------------------------------------------------------------------------ models

    def open_model(self) -> None:
        """Ask for a model file and open its layers."""
        if not self.may_replace():
            return
        path = self._dialogs.open_model(self._window)
        if path is not None:
            self._read_model(path)

    def open_model_of(self, folder: Path) -> None:
        """Open the network of a run folder."""
        if self.may_replace():
            self._read_model(folder)

    def _read_model(self, path: Path) -> None:
        self._controller.open_model(path)
        if self._controller.training:
            self.said.emit("", f"{path.name} is opened when the training has ended.", "news")

    def save_model(self) -> None:
        """Ask where to save the trained network."""
        path = self._dialogs.save_model(self._window, self._suggestion())
        if path is None:
            return
        try:
            self._controller.save_model(path)
        except UserError as error:
            self.tell(error)

    def _on_model_opened(self, job: OpenModel, opened: OpenedModel) -> None:
        before = self._document.experiment
        experiment = with_whole_source(opened.experiment, job.path)
        if not opened.has_experiment:  # only the network was in the file: it is tried on the data that is open
            experiment = before.replaced(name=job.path.stem[:200] or before.name, layers=experiment.layers)
        self._document.new(experiment)
        if not job.path.is_dir():
            self.remember(job.path)
        words = " ".join(opened.notes)
        count = len(experiment.layers)
        self.said.emit(f"Opened {job.path.name}.", f"{count} layers. {words}".strip(), "news")
        self._evaluate(opened, experiment)

    def _evaluate(self, opened: OpenedModel, experiment: Experiment) -> None:
        summary = self._document.summary
        if summary is not None and summary.input_shape != opened.input_shape:
            rows, wanted = (" × ".join(map(str, shape)) for shape in (summary.input_shape, opened.input_shape))
            text = f"Its rows are {wanted}, the data's {rows}: choose its data to see how good it is."
            self.said.emit("The model is open.", text, "hint")
            return
        self._controller.evaluate(opened.model, experiment)

    def _on_model_evaluated(self, job: EvaluateModel, evaluation: Evaluation) -> None:
        del job
        figures = evaluation.parts.get("test", {})
        if "accuracy" in figures:
            text = f"It gets {share(figures['accuracy'])} of the test rows right, loss {figures['loss']:.3f}."
        else:
            text = f"Its loss on the test rows is {figures.get('loss', float('nan')):.4g}."
        self.said.emit("The model is open.", text, "news")

    def _on_model_saved(self, saved: SavedModel) -> None:
        size = saved.bytes / 2**20
        words = f"{size:.1f}{NBSP}MB" if size >= 0.1 else f"{saved.bytes / 1024:.0f}{NBSP}kB"
        self.said.emit("Model saved", f"to {saved.path} ({words}).", "news")
        self.remember(saved.path)

    # ------------------------------------------------------------------------------------------ helpers

    def choose_workspace(self) -> Path | None:
        """Ask for the folder that keeps runs; None when nothing changed."""
        folder = self._dialogs.choose_workspace(self._window)
        if folder is None or folder == self._settings.workspace:
            return None
        try:
            make_folder(folder)
        except UserError as error:
            self.tell(error)
            return None
        self._settings.workspace = folder
        self._controller.workspace = folder
        return folder

    def tell(self, error: UserError) -> None:
        """An error of the person, for the message bar."""
        self.said.emit(error.message, error.hint, "error")

    def _suggestion(self) -> str:
        return safe_name(self._document.experiment.name) or "experiment"

    def remember(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        self._settings.add_recent_file(path)
        self.recent_changed.emit()
