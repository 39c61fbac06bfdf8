"""Reusing layers in the main window: the dialog, two tasks of one data set, care with sharing, what the cards say."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import make_folder
from dnnstudio.core.jobs import BatchesDone, RunStarted
from dnnstudio.core.links import sharers, unlink, will_change
from dnnstudio.core.reuse_phases import frozen_in
from dnnstudio.core.reuse_plan import all_cloned, changing_shared, reused_words
from dnnstudio.core.runs import EXPERIMENT, safe_name
from dnnstudio.core.trained_source import place_of, short_name
from dnnstudio.gui.actions import Actions
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.document import Document
from dnnstudio.gui.engine_thread import Engine
from dnnstudio.gui.file_controller import FileController
from dnnstudio.gui.run_controller import RunController
from dnnstudio.gui.runs_panel import RunsPanel
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.stack.rows import Identity
from dnnstudio.gui.transfer.identity import StoredNetwork, planned, read_network, readable, shows, stamp_of
from dnnstudio.gui.transfer.request import TransferAnswer, TransferRequest

EDIT = "Reuse trained layers"
EXPERIMENTS = "experiments"


class TransferController(QObject):
    """What the actions "transfer", "split_tasks" and "train" do; the stack's cards and line follow by themselves."""

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        engine: Engine,
        *,
        dialogs: Dialogs,
        actions: Actions,
        files: FileController,
        runs: RunsPanel,
        stack: LayerStackView,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._controller = controller
        self._engine = engine
        self._dialogs = dialogs
        self._files = files
        self._runs = runs
        self._stack = stack
        self._known: StoredNetwork | None = None
        self._running: Experiment | None = None
        self._phase = -1
        actions.connect({"transfer": self.reuse_layers, "split_tasks": self.split_tasks})
        stack.transfer_requested.connect(self.reuse_layers)
        for changed in (document.experiment_changed, document.summary_changed, document.path_changed):
            changed.connect(self.refresh)
        runs.run_chosen.connect(self.refresh)
        controller.run_started.connect(self._on_started)
        controller.batches_done.connect(self._on_batches)
        controller.run_ended.connect(self._on_ended)
        self.refresh()

    @property
    def _base(self) -> Path | None:
        """The folder that a relative source is seen from."""
        return self._document.path.parent if self._document.path is not None else None

    # ------------------------------------------------------------------------------------------ the dialog

    def reuse_layers(self) -> None:
        """Ask which trained layers the network starts from."""
        self._ask(None)

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
        answer = self._dialogs.reuse_layers(self._window, request)
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

    # ------------------------------------------------------------------------------------------ two tasks

    def split_tasks(self) -> None:
        """Write two experiments of the workspace, one for most classes and one for a few, and open the first."""
        names = self._document.source_class_names
        if len(names) < 4:
            known = f"It has {len(names)} classes." if names else "Its classes are not known yet."
            self._files.tell(UserError(f"This data cannot be split into two tasks. {known}", "Four are needed."))
            return
        tasks = self._dialogs.split_tasks(self._window, self._document.experiment, names)
        if tasks is None or not self._files.may_replace():
            return
        try:
            folder = self._controller.workspace / EXPERIMENTS
            make_folder(folder)
            first = self._write(folder, tasks.a)
            second = self._write(folder, tasks.b)
        except UserError as error:
            self._files.tell(error)
            return
        if self._files.show(first):
            text = f"Train A, then open {second.name} and press Reuse layers."
            self._files.said.emit("Two tasks are written.", text, "news")
            self._files.remember(second)

    def _write(self, folder: Path, experiment: Experiment) -> Path:
        """Save under the experiment's name, with a number where there is such a file."""
        name = safe_name(experiment.name) or "task"
        path, number = folder / f"{name}.json", 2
        while path.exists():
            path, number = folder / f"{name} {number}.json", number + 1
        codec.save(experiment, path)
        return path

    # ------------------------------------------------------------------------------------------ training

    def train(self) -> None:
        """Train the document's experiment; where it shares layers with other models, ask first."""
        if not self._may_change_others():
            return
        try:
            self._controller.train(self._document.experiment, base=self._base)
        except UserError as error:
            self._files.tell(error)

    def _may_change_others(self) -> bool:
        """Warn of the models that the training will change too. The answer may be to clone instead."""
        experiment = self._document.experiment
        layers = changing_shared(experiment)
        place = place_of(experiment.transfer, self._base) if experiment.transfer is not None and layers else None
        if place is None:  # a source that is not there is told of by the engine
            return True
        try:
            others = [readable(other.name) for other in will_change(place, layers)]
        except UserError as error:
            self._files.tell(error)
            return False
        answer = self._dialogs.shared_training(self._window, layers, others)
        if answer == "clone":
            self._document.push(all_cloned(experiment, layers), "Clone the shared layers")
        return answer != "cancel"

    def may_go_on(self, folder: Path) -> bool:
        """Warn of the models that going on with a run will change too. Cloned instead, it shares nothing any more.

        Raises `UserError` where the run or its links cannot be read.
        """
        experiment = codec.load(folder / EXPERIMENT)
        learning = {layer.id for layer in experiment.active_layers if getattr(layer, "trainable", False)}
        if experiment.transfer is not None:
            learning -= {item.layer for item in experiment.transfer.shared} - set(changing_shared(experiment))
        others = {place: [name for name in names if name in learning] for place, names in sharers(folder).items()}
        layers = tuple(dict.fromkeys(name for names in others.values() for name in names))
        if not layers:
            return True
        models = [readable(place.name) for place, names in others.items() if names]
        answer = self._dialogs.shared_training(self._window, layers, models)
        if answer == "clone":
            unlink(folder)
            codec.save(all_cloned(experiment), folder / EXPERIMENT)
        return answer != "cancel"

    # ------------------------------------------------------------------------------------------ what the cards say

    def refresh(self, _: object = None) -> None:
        """Say of each layer whose weights it has, and what the network starts from."""
        experiment = self._document.experiment
        transfer = experiment.transfer
        if transfer is None:
            self._stack.set_start("")
        else:
            place = place_of(transfer, self._base)
            name = short_name(place) if place is not None else "a model that is not here"
            words = f"Starts from {name} · {reused_words(transfer)}"
            self._stack.set_start(words, str(place) if place is not None else f"Its source is {transfer.source!r}.")
        self._stack.set_identities(self._identities())

    def _identities(self) -> dict[str, Identity]:
        network = self._network()
        if network is not None and shows(self._document.shapes, self._document.experiment, network.experiment):
            return network.layers
        return planned(self._document.experiment, self._base)

    def _network(self) -> StoredNetwork | None:
        """The chosen run, else the newest one; None where it cannot be read or has not ended."""
        record = self._runs.chosen
        folder = record.folder if record is not None else self._controller.run_folder
        if folder is None or not (folder / EXPERIMENT).exists():
            return None
        try:
            if self._known is None or self._known.stamp != stamp_of(folder):
                self._known = read_network(folder)
        except (UserError, OSError):
            return None
        return self._known if self._known.layers else None

    def _on_started(self, event: RunStarted) -> None:
        transfer = event.experiment.transfer
        self._running = event.experiment if transfer is not None and transfer.phases else None
        self._phase = -1
        self._show_phase(event.first_epoch + 1)
        self.refresh()

    def _on_batches(self, event: BatchesDone) -> None:
        if self._running is not None:
            self._show_phase(event.epoch)

    def _show_phase(self, epoch: int) -> None:
        """The cards and the counts show the phase in which that epoch (from 1) lies."""
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
