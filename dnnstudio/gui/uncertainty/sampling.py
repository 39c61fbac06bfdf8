"""The inspector's dealings with the engine: which passes are under way, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.control import Control
from dnnstudio.core.jobs import Part, Progress, SampleModel, SamplesDone
from dnnstudio.core.uncertainty.samples import Masks, Samples
from dnnstudio.gui.engine_thread import Engine, Failure
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.subject import Subject

Taker = Callable[[Samples], None]


@dataclass(slots=True)
class Options:
    """How to sample. `precision` ends it by itself once the mean is known so well; None takes all passes."""

    passes: int = 100
    part: Part = "test"
    masks: Masks = "independent"
    precision: float | None = None
    seed: int = 42


class Sampling(QObject):
    """Asks the engine for passes and fills the inspection. One main job at a time; views may ask for side jobs.

    `busy_changed(bool)`; `progressed(passes so far, planned, seconds left)`; `failed(message, hint)`;
    `bug_found(message, details)`.
    """

    busy_changed = Signal(bool)
    progressed = Signal(int, int, float)
    said = Signal(str)
    failed = Signal(str, str)
    bug_found = Signal(str, str)

    def __init__(self, engine: Engine, subject: Subject, inspection: Inspection, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.subject = subject
        self.options = Options(seed=subject.experiment.seed)
        self._engine = engine
        self._inspection = inspection
        self._main: tuple[SampleModel, Control] | None = None
        self._validation: tuple[SampleModel, Control] | None = None
        self._validation_refused = ""
        self._side: dict[str, tuple[Control, Taker, Callable[[], None]]] = {}
        engine.reported.connect(self._on_event)
        engine.finished.connect(self._on_finished)
        engine.failed.connect(self._on_failed)

    # ------------------------------------------------------------------------------------------ what is asked for

    @property
    def busy(self) -> bool:
        """Whether the main passes are under way or wait for their turn."""
        return self._main is not None

    def start(self, *, more: bool = False) -> None:
        """Sample anew, or `more` passes to those that are there."""
        if self._main is not None:
            return
        earlier = self._inspection.samples if more else None
        options = self.options
        job = SampleModel(
            model=self.subject.model,
            experiment=self.subject.experiment,
            part=options.part,
            passes=options.passes,
            seed=earlier.seed if earlier else options.seed,
            masks=earlier.masks if earlier else options.masks,
            precision=options.precision,
            earlier=earlier,
        )
        if earlier is None:
            self._forget_validation()
        self._inspection.finished = False
        self._main = (job, self._engine.submit(job))
        self.busy_changed.emit(True)

    def stop(self) -> None:
        """End the main job; the passes that came are kept."""
        if self._main is not None:
            self._main[1].stop()

    def want_validation(self) -> str:
        """Have the validation rows sampled, unless they are; gives why that cannot be, or an empty text."""
        samples = self._inspection.samples
        if self._inspection.validation is not None or self._validation is not None or samples is None:
            return self._validation_refused
        if not self._validation_refused and self._inspection.finished:
            job = SampleModel(
                model=self.subject.model,
                experiment=self.subject.experiment,
                part="validation",
                passes=min(samples.passes, 200),
                seed=samples.seed,
                masks=samples.masks,
            )
            self._validation = (job, self._engine.submit(job))
        return self._validation_refused

    def ask(self, taker: Taker, ended: Callable[[], None], **changes: Any) -> None:
        """Sample something beside (changed pictures, another data set); `taker` gets it, then `ended` is called."""
        values: dict[str, Any] = {
            "model": self.subject.model,
            "experiment": self.subject.experiment,
            "part": self.options.part,
            "seed": self.options.seed,
        }
        job = SampleModel(**(values | changes))
        self._side[job.id] = (self._engine.submit(job), taker, ended)

    def cancel_side(self) -> None:
        """Cancel what views asked for beside."""
        for control, _, _ in self._side.values():
            control.stop()

    def close(self) -> None:
        """Cancel everything and listen no more."""
        self._engine.reported.disconnect(self._on_event)
        self._engine.finished.disconnect(self._on_finished)
        self._engine.failed.disconnect(self._on_failed)
        self.cancel_side()
        for item in (self._main, self._validation):
            if item is not None:
                item[1].stop()
        self._main = self._validation = None

    def _forget_validation(self) -> None:
        if self._validation is not None:
            self._validation[1].stop()
            self._validation = None
        self._validation_refused = ""
        if self._inspection.validation is not None:
            self._inspection.set_validation(None)

    # ------------------------------------------------------------------------------------------ what comes back

    def _on_event(self, event: Any) -> None:
        if self._main is None or event.run != self._main[0].id:
            return
        if isinstance(event, SamplesDone):
            self.progressed.emit(event.samples.passes, event.planned, event.seconds_left)
            self._inspection.set_samples(event.samples, finished=False)
        elif isinstance(event, Progress) and not event.text.startswith("Pass "):
            self.said.emit(event.text)

    def _on_finished(self, job: Any, result: Any) -> None:
        if not isinstance(job, SampleModel) or not isinstance(result, Samples):
            return
        if self._main is not None and job is self._main[0]:
            self._main = None
            self._inspection.set_samples(result, finished=True)
            self.busy_changed.emit(False)
        elif self._validation is not None and job is self._validation[0]:
            self._validation = None
            self._inspection.set_validation(result)
        elif job.id in self._side:
            _, taker, ended = self._side.pop(job.id)
            taker(result)
            ended()

    def _on_failed(self, job: Any, failure: Failure) -> None:
        if not isinstance(job, SampleModel):
            return
        if self._main is not None and job is self._main[0]:
            self._main = None
            self._inspection.finish()
            self.busy_changed.emit(False)
        elif self._validation is not None and job is self._validation[0]:
            self._validation = None
            self._validation_refused = failure.message or "The sampling of the validation rows was cancelled."
            self._inspection.set_validation(None)
            if failure.kind == "person":
                return
        elif job.id in self._side:
            self._side.pop(job.id)[2]()
        else:
            return
        if failure.kind == "person":
            self.failed.emit(failure.message, failure.hint)
        elif failure.kind == "bug":
            self.bug_found.emit(failure.message, failure.details)
