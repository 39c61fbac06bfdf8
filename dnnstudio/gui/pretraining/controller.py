"""Opens reconstructions, and creates the classifier that starts from a pretrained encoder."""

from __future__ import annotations

import contextlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.core.os_errors import is_file_there
from dnnstudio.core.planning.pretraining import classifier_on
from dnnstudio.core.text import count_of, share_text
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.runs import EXPERIMENT, MODEL, RunRecord
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.windows import Windows
from dnnstudio.gui.plots.sentences import short_number
from dnnstudio.gui.pretraining.window import ReconstructionsWindow
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.theme import Theme

NO_AUTOENCODER = "The chosen run is no pretrained autoencoder. Choose such a run in the table of runs."
NOT_PRETRAINED = "The chosen run is no pretraining. Choose one that was pretrained as an autoencoder or by rotation."


class PretrainingController(QObject):
    """`said` carries what `MessageLine.say` takes, `failed` a `UserError`."""

    said = Signal(str, str, str, str, object)
    failed = Signal(object)

    def __init__(
        self,
        window: QWidget,
        document: Document,
        engine: Engine,
        controller: RunController,
        actions: Actions,
        runs: RunsPanel,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._engine = engine
        self._controller = controller
        self._actions = actions
        self._runs = runs
        self._theme = theme
        self._read: tuple[Path, Experiment] | None = None
        self.windows = Windows[Path, ReconstructionsWindow]()
        actions.connect({"reconstructions": self.open_chosen, "use_encoder": self.use_chosen})
        runs.run_chosen.connect(self._show_availability)
        controller.run_ended.connect(self._on_ended)
        self._show_availability()

    # ------------------------------------------------------------------------------------------ which run

    def pretrained(self, folder: Path) -> Experiment | None:
        """The experiment of a pretrained run with a model; None for any other run."""
        if not is_file_there(folder / MODEL):
            return None
        if self._read is None or self._read[0] != folder:
            with contextlib.suppress(UserError):
                self._read = (folder, codec.load(folder / EXPERIMENT))
        if self._read is None or self._read[0] != folder:
            return None
        return self._read[1] if self._read[1].pretraining is not None else None

    def _chosen(self) -> tuple[Path, Experiment] | None:
        record = self._runs.chosen
        experiment = self.pretrained(record.folder) if record is not None else None
        return (record.folder, experiment) if record is not None and experiment is not None else None

    def _show_availability(self, _: RunRecord | None = None) -> None:
        chosen = self._chosen()
        draws = chosen is not None and isinstance(chosen[1].pretraining, Autoencoder)
        self._actions.set_reason("reconstructions", "" if draws else NO_AUTOENCODER)
        self._actions.set_reason("use_encoder", "" if chosen is not None else NOT_PRETRAINED)

    def _on_ended(self, event: RunEnded) -> None:
        """Report the end of a pretraining differently: it has no accuracy, but reconstructions to look at."""
        self._show_availability()
        result = event.result
        if result is None or event.reason in ("diverged", "failed"):
            return
        experiment = self.pretrained(result.folder)
        if experiment is None or not result.metrics.get("test"):
            return
        test, folder = result.metrics["test"], result.folder
        of = measured(result.metrics, experiment).sentence
        if isinstance(experiment.pretraining, Autoencoder):
            text = f"The loss on the test rows is {short_number(test['loss'])}. {of}"
            self.said.emit("Pretraining done.", text, "news", "Reconstructions…", lambda: self.open(folder))
        else:
            text = f"It tells the rotation of {share_text(test.get('accuracy'))} of the test rows. {of}"
            deed = "Use the encoder in a classifier"
            self.said.emit("Pretraining done.", text, "news", deed, lambda: self.use_encoder(folder))

    # ------------------------------------------------------------------------------------------ looking

    def open_chosen(self) -> None:
        """Open the reconstructions of the selected run."""
        chosen = self._chosen()
        if chosen is not None:
            self.open(chosen[0])

    def open(self, folder: Path) -> None:
        """Open the reconstructions of a run, reusing an open window."""
        experiment = self.pretrained(folder)
        if experiment is not None:
            self.windows.show(folder, lambda: self._make(folder, experiment))

    def _make(self, folder: Path, experiment: Experiment) -> ReconstructionsWindow:
        summary = self._document.summary
        same = summary is not None and self._document.experiment.data == experiment.data
        window = ReconstructionsWindow(
            self._theme,
            JobClient(self._engine),
            folder,
            experiment,
            counts=summary.counts if summary is not None and same else None,
            parent=self._window,
        )
        window.encoder_wanted.connect(self.use_encoder)
        return window

    def close_all(self) -> None:
        """Close every window, at exit."""
        self.windows.close_all()

    # ------------------------------------------------------------------------------------------ reusing

    def use_chosen(self) -> None:
        """Create a classifier on the encoder of the selected run."""
        chosen = self._chosen()
        if chosen is not None:
            self.use_encoder(chosen[0])

    def use_encoder(self, folder: Path) -> None:
        """Turn the open experiment into a classifier that starts from the run's encoder, as one undo step."""
        pretrained, summary = self.pretrained(folder), self._document.summary
        try:
            if pretrained is None:
                raise UserError("This run has no pretrained encoder.", "Choose one that was pretrained.")
            if summary is None:
                raise UserError("The data has not been read yet.", "Wait until the data panel shows it.")
            after = classifier_on(
                self._document.experiment,
                summary.input_shape,
                pretrained,
                folder.absolute(),
                classes=len(summary.class_names),
                binary=summary.binary,
            )
        except UserError as error:
            self.failed.emit(error)
            return
        if after.name == pretrained.name:
            after = after.replaced(name=f"Classifier on {pretrained.name}"[:200])
        self._document.push(after, "Use the encoder in a classifier")
        assert after.transfer is not None
        names = [item.layer for item in after.transfer.reuse]
        start = "starts as a clone of the run's layer" if len(names) == 1 else "start as clones of the run's layers"
        frozen, free = after.transfer.phases
        text = (
            f"{' and '.join(names)} {start}: frozen for {count_of(frozen.epochs, 'epoch')}, then all layers learn for "
            f"{free.epochs}. Press Train."
        )
        self._window.raise_()
        self._window.activateWindow()
        self.said.emit("A classifier on the encoder.", text, "news", "", None)
