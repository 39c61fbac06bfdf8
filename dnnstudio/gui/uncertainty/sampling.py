"""The inspector's client of the engine: requests passes and handles the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.jobs.events import Progress, SamplesDone, Stage
from dnnstudio.core.jobs.requests import Part, SampleModel
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.core.uncertainty.samples import Masks, Samples
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.ticket import Failure, Ticket
from dnnstudio.gui.uncertainty.sentences import Words
from dnnstudio.gui.uncertainty.subject import Subject, Who

STOCHASTIC: dict[Who, bool | None] = {"run": None, "members": False, "passes": True}
"""Whether dropout is on: of a single run wherever its network has any."""
Taker = Callable[[Samples], None]


class Holder(Protocol):
    """What takes the samples: `Inspection` those of classes, `NumberInspection` those of numbers."""

    samples: Any
    validation: Any
    finished: bool
    words: Words

    def set_samples(self, samples: Any, *, finished: bool) -> None: ...
    def set_validation(self, validation: Any) -> None: ...
    def finish(self) -> None: ...


@dataclass(slots=True)
class Options:
    """Sampling options. `precision` ends it early once the mean is that precise; None makes all passes.

    `passes` are those of each network that is asked.
    """

    who: Who = "run"
    passes: int = 100
    part: Part = "test"
    masks: Masks = "independent"
    precision: float | None = None
    seed: int = 42


class Sampling(QObject):
    """Requests passes from the engine and fills the inspection. One main job at a time; views may request side jobs.

    `busy_changed(bool)`; `progressed(passes so far, planned, seconds left)`; `failed(message, hint)`;
    `bug_found(message, details)`.
    """

    busy_changed = Signal(bool)
    progressed = Signal(int, int, float)
    said = Signal(str)
    failed = Signal(str, str)
    bug_found = Signal(str, str)

    def __init__(self, engine: Engine, subject: Subject, inspection: Holder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.subject = subject
        self.options = Options(seed=subject.experiment.seed, who=subject.askable()[0])
        self._engine = engine
        self._inspection = inspection
        self._main: Ticket | None = None
        self._validation: Ticket | None = None
        self._validation_refused = ""
        self._side: list[Ticket] = []

    # ------------------------------------------------------------------------------------------ what is asked for

    @property
    def busy(self) -> bool:
        """Whether the main job is waiting or running."""
        return self._main is not None and not self._main.over

    def start(self, *, more: bool = False) -> None:
        """Sample from scratch, or `more` passes in addition to the present ones."""
        if self.busy:
            return
        earlier = self._inspection.samples if more else None
        options = self.options
        job = SampleModel(
            **self._asked(),
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
        self._main = self._engine.ask(
            job,
            on_event=self._on_event,
            on_result=self._on_main_done,
            on_failure=self._on_main_failed,
            on_cancelled=self._end_main,
        )
        if self.busy:  # an engine that was shut down has already cancelled it
            self.busy_changed.emit(True)

    def stop(self) -> None:
        """End the main job; the passes so far are kept."""
        if self._main is not None:
            self._main.cancel()

    def want_validation(self) -> str:
        """Request samples of the validation rows unless present; returns why that is impossible, or ""."""
        samples = self._inspection.samples
        asked = self._validation is not None and not self._validation.over
        if self._inspection.validation is not None or asked or samples is None:
            return self._validation_refused
        if not self._validation_refused and self._inspection.finished:
            networks = len(self.subject.seeds) if self.options.who == "passes" else 1
            job = SampleModel(
                **self._asked(),
                part="validation",
                passes=max(min(samples.passes, 200) // networks, 1),
                seed=samples.seed,
                masks=samples.masks,
            )
            self._validation = self._engine.ask(
                job,
                on_result=self._inspection.set_validation,
                on_failure=self._on_validation_failed,
                on_cancelled=partial(self._refuse_validation, "The sampling of the validation rows was cancelled."),
            )
        return self._validation_refused

    def ask(self, taker: Taker, ended: Callable[[], None], **changes: Any) -> None:
        """Start a side job (shifted images, another data set); `taker` gets the result, then `ended` is called."""
        values: dict[str, Any] = {
            **self._asked(),
            "part": self.options.part,
            "seed": self.options.seed,
        }
        job = SampleModel(**(values | changes))

        def take(samples: Samples) -> None:
            taker(samples)
            ended()

        def fail(failure: Failure) -> None:
            ended()
            self._tell(failure)

        ticket = self._engine.ask(job, on_result=take, on_failure=fail, on_cancelled=ended)
        self._side = [*(other for other in self._side if not other.over), ticket]

    def _asked(self) -> dict[str, Any]:
        """Who answers, and on the rows of which experiment."""
        who = self.options.who
        return {
            "model": self.subject.model_of(who),
            "experiment": self.subject.experiment,
            "stochastic": STOCHASTIC[who],
            "weights": self.subject.weights,
        }

    def cancel_side(self) -> None:
        """Cancel the side jobs."""
        for ticket in self._side:
            ticket.cancel()

    def close(self) -> None:
        """Cancel everything; nothing more is reported."""
        for ticket in (self._main, self._validation, *self._side):
            if ticket is not None:
                ticket.abandon()
        self._main = self._validation = None
        self._side = []

    def _forget_validation(self) -> None:
        if self._validation is not None:
            self._validation.abandon()
            self._validation = None
        self._validation_refused = ""
        if self._inspection.validation is not None:
            self._inspection.set_validation(None)

    # ------------------------------------------------------------------------------------------ what comes back

    def _on_event(self, event: Any) -> None:
        if isinstance(event, SamplesDone):
            self.progressed.emit(event.samples.passes, event.planned, event.seconds_left)
            self._inspection.set_samples(event.samples, finished=False)
        elif isinstance(event, Progress) and event.stage is not Stage.SAMPLING:
            self.said.emit(event.text)

    def _on_main_done(self, samples: Samples | NumberSamples) -> None:
        self._inspection.set_samples(samples, finished=True)
        self.busy_changed.emit(False)

    def _on_main_failed(self, failure: Failure) -> None:
        self._end_main()
        self._tell(failure)

    def _end_main(self) -> None:
        self._inspection.finish()
        self.busy_changed.emit(False)

    def _on_validation_failed(self, failure: Failure) -> None:
        self._refuse_validation(failure.message)
        if failure.kind == "bug":  # missing validation rows are reported by the views that use them
            self._tell(failure)

    def _refuse_validation(self, reason: str) -> None:
        self._validation_refused = reason
        self._inspection.set_validation(None)

    def _tell(self, failure: Failure) -> None:
        if failure.kind == "person":
            self.failed.emit(failure.message, failure.hint)
        else:
            self.bug_found.emit(failure.message, failure.details)
