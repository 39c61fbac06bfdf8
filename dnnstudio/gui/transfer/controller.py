"""Layer reuse in the main window: the dialog, task splitting, warnings about shared layers, and the cards' origin
badges.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.analysis.reuse_planner import all_cloned, changing_shared, reused_words
from dnnstudio.core.analysis.shared_changes import changed_by_going_on
from dnnstudio.core.atomic_files import make_folder
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder, Transfer
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.events import BatchesDone, RunStarted
from dnnstudio.core.jobs.requests import Job, OpenModel, TrainRun
from dnnstudio.core.jobs.weights import LoadWeights
from dnnstudio.core.os_errors import changed_at, is_file_there, is_there
from dnnstudio.core.planning.phases import frozen_in
from dnnstudio.core.planning.pretraining import added_layers
from dnnstudio.core.resources import resource_folder
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.place import place_for_new
from dnnstudio.core.workspace.runs import EXPERIMENT, is_run, run_folders, safe_name, trained_run_of
from dnnstudio.core.workspace.shared_layers import unlink, will_change
from dnnstudio.core.workspace.sources import place_of, short_name
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.file_actions import FileActions
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.stack.rows import Identity
from dnnstudio.gui.theme import Cure
from dnnstudio.gui.transfer.identity import StoredNetwork, planned, read_network, readable, shows, stamp_of
from dnnstudio.gui.transfer.questions import TransferQuestions
from dnnstudio.gui.transfer.request import TransferAnswer, TransferRequest

EDIT = "Reuse trained layers"
EXPERIMENTS = "experiments"
RECIPES = "recipes"


class TransferController(QObject):
    """Handlers of the actions "transfer", "split_tasks" and "train"; keeps the stack's badges and start line up to
    date. `vary_requested` carries the path of a phase's field that shall be varied.
    """

    vary_requested = Signal(str)

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        engine: Engine,
        *,
        dialogs: Dialogs,
        questions: TransferQuestions,
        actions: Actions,
        files: FileActions,
        runs: RunsPanel,
        stack: LayerStackView,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._controller = controller
        self._engine = engine
        self._dialogs = dialogs
        self._questions = questions
        self._files = files
        self._runs = runs
        self._stack = stack
        self._known: StoredNetwork | None = None
        self._running: Experiment | None = None
        self._phase = -1
        self._fitting: Path | None = None
        """A run that trained the experiment from which the transfer starts."""
        self._searched: tuple[object, Path | None] = (None, None)
        self._opened: Path | None = None
        """The model whose layers the document shows since it was opened; None after a run was chosen or began."""
        actions.connect({"transfer": self.reuse_layers, "split_tasks": self.split_tasks})
        stack.transfer_requested.connect(self._edit)
        for changed in (document.experiment_changed, document.summary_changed, document.path_changed):
            changed.connect(self.refresh)
        runs.run_chosen.connect(self._on_chosen)
        controller.model_opened.connect(self._on_opened)
        controller.weights_loaded.connect(self._on_opened)
        controller.run_started.connect(self._on_started)
        controller.batches_done.connect(self._on_batches)
        controller.run_ended.connect(self._on_ended)
        self.refresh()

    @property
    def opened(self) -> Path | None:
        """The model that was opened last; None once a run was chosen or began after it."""
        return self._opened

    @property
    def _base(self) -> Path | None:
        """The folder against which a relative source is resolved."""
        return self._document.path.parent if self._document.path is not None else None

    # ------------------------------------------------------------------------------------------ the dialog

    def reuse_layers(self) -> None:
        """Open the dialog for choosing the trained layers to start from."""
        self._ask(None)

    def _edit(self) -> None:
        """The same; where the source is missing and a run fits, with this run as the source."""
        self._ask(self._fitting)

    def _run_of_source(self, transfer: Transfer) -> Path | None:
        """The newest run that trained the experiment file which the transfer names as its source."""
        path = self._experiment_of_source(transfer)
        if path is None:
            return None
        stamp = (path, changed_at(path), run_folders(self._controller.workspace))
        if stamp != self._searched[0]:  # every edit comes here; runs are read when there are others
            try:
                found = trained_run_of(codec.load(path), self._controller.workspace)
            except UserError:
                found = None
            self._searched = (stamp, found)
        return self._searched[1]

    def _experiment_of_source(self, transfer: Transfer) -> Path | None:
        """The experiment file, or recipe, which the transfer names in place of a model that was trained by it."""
        base = self._base if self._base is not None else resource_folder() / RECIPES
        path = base / transfer.source
        return path if path.suffix == ".json" and is_file_there(path) else None

    def cure_of(self, job: Job) -> Cure | None:
        """What helps a training whose trained layers are missing: a run that fits, what to train first, or a choice."""
        transfer = job.experiment.transfer if isinstance(job, TrainRun) else None
        if transfer is None or transfer != self._document.experiment.transfer or place_of(transfer, self._base):
            return None
        if self._fitting is not None:
            return Cure(f"Start from {short_name(self._fitting)}…", self._edit)
        first = self._experiment_of_source(transfer)
        if first is None:
            return Cure("Choose trained layers…", self._edit)
        if first.parent == resource_folder() / RECIPES:
            recipe = load_recipe(first.stem)
            return Cure(f"Open {recipe.title}", lambda: self._files.new_from(recipe))
        return Cure(f"Open {first.name}", lambda: self._files.open_path(first))

    def reuse_from(self, path: Path) -> None:
        """The same, with this run folder or model file as the source."""
        self._ask(path)

    def _ask(self, source: Path | None) -> None:
        document = self._document
        request = TransferRequest(
            experiment=document.experiment,
            summary=document.summary,
            document=document.path,
            workspace=self._controller.workspace,
            engine=self._engine,
            choose_file=self._dialogs.open_model,
            source=source,
            training=self._controller.training,
        )
        answer = self._questions.reuse_layers(self._window, request)
        if answer is not None:
            self._do(answer)

    def _do(self, answer: TransferAnswer) -> None:
        if answer.deed == "split":
            self.split_tasks()
            return
        removed = answer.deed == "remove"
        self._document.push(answer.experiment, "Train from scratch" if removed else EDIT)
        if answer.deed == "train":
            self.train()
        elif answer.deed == "vary":
            self.vary_requested.emit(answer.vary)

    # ------------------------------------------------------------------------------------------ two tasks

    def split_tasks(self) -> None:
        """Write two experiments to the workspace, one with most classes and one with a few, and open the first."""
        names = self._document.source_class_names
        if len(names) < 4:
            known = f"It has {count_of(len(names), 'class')}." if names else "Its classes are not known yet."
            self._files.tell(UserError(f"This data cannot be split into two tasks. {known}", "Four are needed."))
            return
        tasks = self._questions.split_tasks(self._window, self._document.experiment, names)
        if tasks is None or not self._files.may_replace():
            return
        try:
            folder = place_for_new(self._controller.workspace) / EXPERIMENTS
            make_folder(folder)
            first = self._write(folder, tasks.a)
            second = self._write(folder, tasks.b)
        except UserError as error:
            self._files.tell(error)
            return
        if self._files.show(first):
            text = f"Train A, then open {second.name} (first of the recent files) and press Reuse layers."
            self._files.said.emit("Two tasks are written.", text, "news")
            self._files.remember(second)

    def _write(self, folder: Path, experiment: Experiment) -> Path:
        """Save under the experiment's name, numbered if the file exists."""
        name = safe_name(experiment.name) or "task"
        path, number = folder / f"{name}.json", 2
        while is_there(path):
            path, number = folder / f"{name} {number}.json", number + 1
        codec.save(experiment, path)
        return path

    # ------------------------------------------------------------------------------------------ training

    def train(self) -> None:
        """Train the document's experiment; if it shares layers with other models, ask first."""
        if not self._may_change_others():
            return
        try:
            self._controller.train(self._document.experiment, base=self._base)
        except UserError as error:
            self._files.tell(error)

    def _may_change_others(self) -> bool:
        """Warn about the other models that the training will change. The user may choose to clone instead."""
        experiment = self._document.experiment
        layers = changing_shared(experiment)
        place = place_of(experiment.transfer, self._base) if experiment.transfer is not None and layers else None
        if place is None:  # a missing source is reported by the engine
            return True
        try:
            others = [readable(other.name) for other in will_change(place, layers)]
        except UserError as error:
            self._files.tell(error)
            return False
        answer = self._questions.shared_training(self._window, layers, others)
        if answer == "clone":
            self._document.push(all_cloned(experiment, layers), "Clone the shared layers")
        return answer != "cancel"

    def may_go_on(self, folder: Path) -> bool:
        """Warn about the models that resuming a run will change. If cloned instead, it no longer shares layers.

        Raises `UserError` if the run or its links cannot be read.
        """
        experiment = codec.load(folder / EXPERIMENT)
        others = changed_by_going_on(experiment, folder)
        layers = tuple(dict.fromkeys(name for names in others.values() for name in names))
        if not layers:
            return True
        models = [readable(place.name) for place in others]
        answer = self._questions.shared_training(self._window, layers, models)
        if answer == "clone":
            with held(folder, "a change of its layers"):
                unlink(folder)
                codec.save(all_cloned(experiment), folder / EXPERIMENT, checked=True)
        return answer != "cancel"

    # ------------------------------------------------------------------------------------------ what the cards say

    def refresh(self, _: object = None) -> None:
        """Update the origin of each layer's weights and the start line."""
        experiment = self._document.experiment
        transfer, self._fitting = experiment.transfer, None
        if transfer is None:
            self._stack.set_start(*self._mirror_words(), reused=False)
        else:
            place = place_of(transfer, self._base)
            self._fitting = None if place is not None else self._run_of_source(transfer)
            name = short_name(place) if place is not None else "a model that is not here"
            words = f"Starts from {name} · {reused_words(transfer)}"
            if place is None and self._fitting is None and (first := self._experiment_of_source(transfer)) is not None:
                words = f"{first.name} is to be trained first · {reused_words(transfer)}"
            if self._fitting is not None:
                words = f"{short_name(self._fitting).capitalize()} fits as its source: Edit…"
            self._stack.set_start(words, str(place) if place is not None else f"Its source is {transfer.source!r}.")
        self._stack.set_identities(self._identities())

    def _mirror_words(self) -> tuple[str, str]:
        """What a pretraining trains beside the layers of the stack; empty without one."""
        summary, experiment = self._document.summary, self._document.experiment
        added = added_layers(experiment, summary.input_shape if summary is not None else None)
        if not added:
            return "", ""
        draws = isinstance(experiment.pretraining, Autoencoder)
        words, noun = ("Reconstructs its input", "mirrored layer") if draws else ("Tells the rotation", "added layer")
        names = ", ".join(row.layer.id for row in added)
        return (
            f"{words} · {count_of(len(added), noun)}",
            f"Trained above the encoder: {names}. Set in the tab Training.",
        )

    def _identities(self) -> dict[str, Identity]:
        network = self._network()
        if network is not None and shows(self._document.shapes, self._document.experiment, network.experiment):
            return network.layers
        return planned(self._document.experiment, self._base)

    def _network(self) -> StoredNetwork | None:
        """The selected run, else the newest; None if it cannot be read or has not ended."""
        record = self._runs.chosen
        folder = self._opened or (record.folder if record is not None else self._controller.run_folder)
        if folder is not None and not is_run(folder):
            return None  # a file's layers are no run's, though they may have the same names and shapes
        if folder is None or not is_there(folder / EXPERIMENT):
            return None
        try:
            if self._known is None or self._known.stamp != stamp_of(folder):
                self._known = read_network(folder)
        except (UserError, OSError):
            return None
        return self._known if self._known.layers else None

    def _on_opened(self, job: OpenModel | LoadWeights, _: object) -> None:
        self._opened = job.path
        self.refresh()

    def _on_chosen(self, _: object = None) -> None:
        self._opened = None
        self.refresh()

    def _on_started(self, event: RunStarted) -> None:
        transfer = event.experiment.transfer
        self._running = event.experiment if transfer is not None and transfer.phases else None
        self._phase, self._opened = -1, None
        self._show_phase(event.first_epoch + 1)
        self.refresh()

    def _on_batches(self, event: BatchesDone) -> None:
        if self._running is not None:
            self._show_phase(event.epoch)

    def _show_phase(self, epoch: int) -> None:
        """Show the phase that contains that epoch (from 1) on the cards and in the counts."""
        running = self._running
        if running is None or running.transfer is None:
            self._stack.set_phase(frozenset(), "")
            return
        phases = running.transfer.phases
        ends = accumulate(phase.epochs for phase in phases)
        number = next((n for n, end in enumerate(ends) if epoch <= end), len(phases) - 1)
        if number != self._phase:
            self._phase = number
            self._stack.set_phase(frozen_in(running, number), f"phase {number + 1} of {len(phases)}")

    def _on_ended(self, _: object) -> None:
        self._running, self._phase = None, -1
        self._stack.set_phase(frozenset(), "")
        self.refresh()
