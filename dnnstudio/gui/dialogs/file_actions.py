"""Opening and saving of experiments, models and run folders; unsaved changes; recent files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.atomic_files import make_folder, write_atomically
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment.recipes import Recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.formats import exporter_of
from dnnstudio.core.jobs.bundles import SUFFIX as BUNDLE
from dnnstudio.core.jobs.bundles import OpenBundle, OpenedBundle
from dnnstudio.core.jobs.requests import EvaluateModel, OpenModel
from dnnstudio.core.jobs.results import Evaluation, OpenedModel, SavedModel
from dnnstudio.core.jobs.weights import LoadWeights
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.planning.network_for import empty_network
from dnnstudio.core.planning.opening import Opening
from dnnstudio.core.text import byte_size, count_of, share_text, unbroken
from dnnstudio.core.workspace.catalog import SUFFIXES
from dnnstudio.core.workspace.ensembles import is_ensemble, read_ensemble
from dnnstudio.core.workspace.place import accept, presence_of
from dnnstudio.core.workspace.runs import EXPERIMENT, RunRecord, Weights, is_run, is_sweep, safe_name
from dnnstudio.core.workspace.sources import rebased, with_whole_source
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.base.windows import in_front
from dnnstudio.gui.dialogs import Dialogs

ANEW = "Train begins anew, with fresh weights; Reuse layers starts from these."
"""Of a model that is open: its weights answer, but are not what a training of the experiment begins with."""
MODEL_OPEN = "The model is open."


class FileActions(QObject):
    """Handlers of the file actions. `said(lead, text, severity)` is for the message bar."""

    said = Signal(str, str, str)
    recent_changed = Signal()
    run_opened = Signal(object)
    """The folder of a run or an ensemble whose experiment was opened."""
    sweep_opened = Signal(object)
    """The folder of a sweep."""
    run_added = Signal(object)
    """The folder of a run that came into the workspace otherwise than by a training."""
    workspace_changed = Signal(object)
    workspace_missed = Signal(object)
    """A `UserError`: something was to be kept in the workspace, which is gone."""
    """The new folder."""

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
        self._lead = MODEL_OPEN
        controller.model_opened.connect(self._on_model_opened)
        controller.weights_loaded.connect(self._on_weights_loaded)
        controller.model_evaluated.connect(self._on_model_evaluated)
        controller.model_saved.connect(self._on_model_saved)
        controller.bundle_opened.connect(self._on_bundle_opened)

    def connect_actions(self, actions: Actions) -> None:
        """Connect the file actions."""
        actions.connect(
            {
                "new": self.new,
                "new_empty": self.new_empty,
                "open": self.open,
                "open_model": self.open_model,
                "save": self.save,
                "save_as": self.save_as,
                "export_script": self.export_script,
                "workspace": self.choose_workspace,
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
            self._document.new(recipe.experiment, kind=Opening.RECIPE)
            self.said.emit(recipe.title + ".", recipe.teaches, "news")

    def new_empty(self) -> None:
        """Start from the output layer alone, on the data that is open."""
        if not self.may_replace():
            return
        self._document.new(empty_network(self._document.experiment, self._document.summary), kind=Opening.RECIPE)
        self.said.emit("An empty network.", "Add layers before the output (Ins); what does not fit is said.", "news")

    def open(self) -> None:
        """Ask for an experiment file and open it."""
        if not self.may_replace():
            return
        path = self._dialogs.open_experiment(self._window)
        if path is not None:
            self._open_path(path)

    def open_path(self, path: Path) -> None:
        """Open an experiment file, a model file or a run folder; a sweep, is shown in its window."""
        if is_sweep(path):
            self.sweep_opened.emit(path)
        elif self.may_replace():
            self._open_path(path)

    def show(self, file: Path) -> bool:
        """Open an experiment file without asking about unsaved changes, which was done before."""
        try:
            self._document.open(file)
        except UserError as error:
            self.tell(error)
            return False
        self.remember(file)
        return True

    def _open_path(self, path: Path) -> None:
        if path.suffix.lower() == BUNDLE and not is_folder_there(path):
            try:
                self._controller.open_bundle(path)
            except UserError as error:
                self.tell(error)
            return
        if path.suffix.lower() in SUFFIXES and not is_folder_there(path):
            self._read_model(path)
            return
        if is_ensemble(path):
            self._show_ensemble(path)
            return
        file = path / EXPERIMENT if is_folder_there(path) else path
        if is_folder_there(path) and not is_run(path):
            self.tell(UserError(f"{path} is not a run folder: it holds no {EXPERIMENT}.", "Choose another one."))
            return
        if self.show(file):
            of_run = is_folder_there(path)
            named = f"the experiment of {path.name}" if of_run else file.name  # all runs' are called alike
            self.said.emit("", f"Opened {named}.", "news")
            if of_run:
                self.run_opened.emit(path)

    def _show_ensemble(self, folder: Path) -> bool:
        """Open the experiment that an ensemble's members share. False if it cannot be read."""
        try:
            experiment = with_whole_source(read_ensemble(folder).experiment, folder)
        except UserError as error:
            self.tell(error)
            return False
        self._document.new(experiment, kind=Opening.EXPERIMENT)
        self.said.emit("", f"Opened the experiment of {folder.name}.", "news")
        self.run_opened.emit(folder)
        return True

    def save(self) -> bool:
        """Save to the document's file, or ask for one. False if nothing was saved."""
        return self.save_as() if self._document.path is None else self._save_to(self._document.path)

    def save_as(self) -> bool:
        """Ask for a path and save. False if nothing was saved."""
        path = self._dialogs.save_experiment(in_front(self._window), self._suggestion())
        return path is not None and self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        document = self._document
        if path == document.path and document.changed_on_disk and not self._dialogs.overwrite(self._window, path):
            return False
        before = document.path.parent if document.path is not None else None
        try:
            # A relative path to the source of reused layers is rewritten for the new folder.
            document.push(rebased(document.experiment, before, path.parent), "Name the source anew")
            document.save(path)
        except UserError as error:
            self.tell(error)
            return False
        self.remember(path)
        self.said.emit("", f"Saved {path.name}.", "news")
        return True

    def export_script(self) -> None:
        """Ask for a path, and write the experiment as a script or notebook of plain Keras."""
        summary = self._document.summary
        if summary is None:
            self.tell(UserError("The data has not been read yet.", "Choose its files first."))
            return
        path = self._dialogs.export_script(self._window, self._suggestion())
        if path is None:
            return
        try:
            write = exporter_of(path, needs_weights=False).load()
            write_atomically(path, write(self._document.experiment, summary).encode())
        except UserError as error:
            self.tell(error)
            return
        self.said.emit("", f"Exported to {path.name}.", "news")

    def may_replace(self) -> bool:
        """Ask about unsaved changes. True if the document may be replaced or closed."""
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

    def save_model(self, chosen: RunRecord | None) -> None:
        """Ask where to save the selected run's network; without one, that of the model opened or trained last.

        The proposed name says which it is.
        """
        if chosen is not None and chosen.repeat is not None:
            self.tell(UserError(f"{chosen.name} is several networks, not one file.", "Select one of its runs."))
            return
        if chosen is not None and chosen.has_network:
            self.save_model_of(chosen.home, "last")
            return
        name = safe_name(self._controller.model_name) or self._suggestion()
        path = self._dialogs.save_model(self._window, name)
        if path is None:
            return
        try:
            self._controller.save_model(path)
        except UserError as error:
            self.tell(error)

    def save_model_of(self, folder: Path, weights: str) -> None:
        """Ask where to save a run's network, with its last or its best weights."""
        chosen: Weights = "best" if weights == "best" else "last"
        name = f"{folder.name} best" if chosen == "best" else folder.name
        path = self._dialogs.save_model(in_front(self._window), safe_name(name))
        if path is not None:
            self._controller.save_run(folder, path, chosen)

    def _on_model_opened(self, job: OpenModel, model: OpenedModel) -> None:
        before = self._document.experiment
        experiment = with_whole_source(model.experiment, job.path)
        if model.has_experiment:
            self._document.new(experiment, kind=Opening.MODEL)
        else:  # only the network was in the file: it is tried on the data that is open
            network = Experiment(name=job.path.stem[:200] or before.name, layers=experiment.layers)
            self._document.new(network, kind=Opening.NETWORK)
        experiment = self._document.experiment
        if not is_folder_there(job.path):
            self.remember(job.path)
        words = " ".join(model.notes)
        count = len(experiment.layers)
        self.said.emit(f"Opened {job.path.name}.", f"{count_of(count, 'layer')}. {words}".strip(), "news")
        self._evaluate(model, experiment)

    def _on_weights_loaded(self, job: LoadWeights, model: OpenedModel) -> None:
        self.said.emit(f"Loaded the weights of {job.path.name}.", " ".join(model.notes), "news")
        self._evaluate(model, job.experiment, lead=f"The weights of {job.path.name} are loaded.")

    def _evaluate(self, model: OpenedModel, experiment: Experiment, *, lead: str = MODEL_OPEN) -> None:
        """Ask how good it is; `lead` is what the bar says of it."""
        self._lead = lead
        summary = self._document.summary
        if summary is not None and summary.input_shape != model.input_shape:
            rows, wanted = (" × ".join(map(str, shape)) for shape in (summary.input_shape, model.input_shape))
            text = f"Its rows are {wanted}, the data's {rows}: choose its data to see how good it is. {ANEW}"
            self.said.emit(lead, text, "hint")
            return
        self._controller.evaluate(model.model, experiment)

    def _on_model_evaluated(self, job: EvaluateModel, evaluation: Evaluation) -> None:
        del job
        figures = evaluation.parts.get("test", {})
        if "accuracy" in figures:
            text = f"It gets {share_text(figures['accuracy'])} of the test rows right, loss {figures['loss']:.3f}."
        else:
            text = f"Its loss on the test rows is {figures.get('loss', float('nan')):.4g}."
        self.said.emit(self._lead, f"{text} {ANEW}", "news")

    def _on_bundle_opened(self, job: OpenBundle, opened: OpenedBundle) -> None:
        if is_ensemble(opened.folder):
            shown = self._show_ensemble(opened.folder)
        else:
            shown = self.show(opened.folder / EXPERIMENT)
        self.run_added.emit(opened.folder)
        if shown:
            self.said.emit(f"Opened {job.path.name}.", opened.sentence, "news" if opened.is_same else "hint")

    def _on_model_saved(self, saved: SavedModel) -> None:
        words = f"to {saved.path} ({unbroken(byte_size(saved.bytes))}). {saved.note}"
        self.said.emit("Model saved", words.strip(), "news")
        self.remember(saved.path)

    # ------------------------------------------------------------------------------------------ helpers

    def choose_workspace(self) -> None:
        """Ask for the folder of runs, models and experiments."""
        folder = self._dialogs.choose_workspace(self._window)
        if folder is None or (folder == self._settings.workspace and not presence_of(folder).look()):
            return
        try:
            make_folder(folder)
        except UserError as error:
            self.tell(error)
            return
        accept(folder)
        self._settings.workspace = folder
        self._settings.note_workspace()
        self._controller.workspace = folder
        self.workspace_changed.emit(folder)
        self.said.emit("Another workspace.", f"Runs and models are kept in {folder} from now on.", "news")

    def tell(self, error: UserError) -> None:
        """Show a user error in the message bar."""
        if error.code is Code.WORKSPACE_GONE:
            self.workspace_missed.emit(error)
        else:
            self.said.emit(error.message, error.hint, "error")

    def _suggestion(self) -> str:
        return safe_name(self._document.experiment.name) or "experiment"

    def remember(self, path: Path) -> None:
        """Add a file to the top of the recent ones."""
        self._settings.add_recent_file(path)
        self.recent_changed.emit()
