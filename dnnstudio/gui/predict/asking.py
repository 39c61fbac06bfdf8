"""What the prediction window asks the engine: facts about the network, then answers, then the rows to calibrate on.

In this order, so that the first rows come soon. Each has a client of its own; a new question ends the one before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.jobs.cases import (
    AnswerCalibration,
    AnswerCases,
    AnsweredCases,
    Answering,
    AnswersCame,
    CalibrateAnswers,
    DescribeNetwork,
    NetworkFacts,
)
from dnnstudio.core.jobs.events import Progress
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.subjects import Network, weights_of

NO_PROMISE = "No coverage can be promised:"


class Asking(QObject):
    """`begun` before other answers come, `came(AnswerRows)` with each block, `ended(AnsweredCases)`.

    `known(NetworkFacts)` tells what the network can be asked, `calibrated` that a coverage can be promised or that it
    cannot, `said(text)` what is being read; `failed(message, hint)` why nothing is answered, `changed` that something
    began or ended.
    """

    known = Signal(object)
    begun = Signal()
    came = Signal(object)
    ended = Signal(object)
    calibrated = Signal()
    said = Signal(str)
    failed = Signal(str, str)
    changed = Signal()

    def __init__(self, cases: Cases, client: Callable[[], JobClient], network: Network, parent: QObject) -> None:
        super().__init__(parent)
        self.cases, self.network = cases, network
        self.weights: Weights = "last"
        self.samples: int | None = None
        self.invert = False
        self.inputs: tuple[Path, ...] = ()
        self.facts: NetworkFacts | None = None
        self.seconds: float | None = None
        self.no_promise = ""
        """Why no coverage can be promised; empty where one can, or nobody has asked yet."""
        self._hint = ""
        self._started = 0.0
        self._kept: dict[int, str | float] = {}
        self._facts, self._answers, self._calibration = client(), client(), client()
        for one in (self._facts, self._answers, self._calibration):
            one.setParent(self)
            one.busy_changed.connect(self._tell_changed)
        self._facts.answered.connect(self._on_facts)
        self._facts.refused.connect(self.failed)
        self._answers.reported.connect(self._on_event)
        self._answers.answered.connect(self._on_answered)
        self._answers.refused.connect(self.failed)
        self._calibration.answered.connect(self._on_calibrated)
        self._calibration.refused.connect(self._on_not_calibrated)

    @property
    def by(self) -> Answering:
        """Which network is asked, and how."""
        return Answering(model=self.network.model, weights=self.weights, samples=self.samples, invert=self.invert)

    @property
    def busy(self) -> bool:
        """Whether answers are still to come."""
        return self._answers.busy

    @property
    def waiting(self) -> bool:
        """Whether they, or the network, wait for another job, such as a training."""
        return any(one.busy and one.waiting for one in (self._facts, self._answers))

    @property
    def calibrating(self) -> bool:
        return self._calibration.busy

    @property
    def hint(self) -> str:
        """What would help, where no coverage can be promised."""
        return self._hint

    # ------------------------------------------------------------------------------------------ asking

    def choose(self, network: Network, weights: Weights | None = None) -> None:
        """Ask another network; what was given before is given to it."""
        kinds = [value for value, _ in weights_of(network)]
        self.network, self.weights = network, weights if weights in kinds else kinds[0]
        self.samples, self.facts, self.seconds, self.no_promise = None, None, None, ""
        self.invert = False
        self.cases.promise.calibration = None
        for one in (self._answers, self._calibration):
            one.cancel()
        self.clear(NetworkFacts(classes=()))
        self._facts.ask(DescribeNetwork(by=self.by))

    def clear(self, facts: NetworkFacts) -> None:
        """Forget the answers."""
        self.cases.clear(facts, passes=self.samples is not None or facts.members > 1)
        self.begun.emit()

    def start(self) -> None:
        """Answer all inputs, as chosen now. What a person has corrected stays so."""
        if self.facts is None:
            return
        self._kept = dict(self.cases.corrected)
        self._calibration.cancel()
        self.clear(self.facts)
        self.seconds = None
        if self.inputs:
            self._started = time.monotonic()
            self._answers.ask(AnswerCases(by=self.by, inputs=self.inputs))
        self.changed.emit()

    def add(self, paths: tuple[Path, ...]) -> None:
        """Give these files too; all are answered in one order."""
        fresh = tuple(path for path in dict.fromkeys(paths) if path not in self.inputs)
        if fresh:
            self.inputs = (*self.inputs, *fresh)
            self.start()

    def forget_inputs(self) -> None:
        """Begin again with nothing."""
        self.inputs, self.invert = (), False
        self._answers.cancel()
        self.cases.corrected.clear()
        self.start()

    def set_passes(self, passes: int) -> None:
        """Another number of passes; the coverage is calibrated on answers of the same kind."""
        if self.facts is not None and self.facts.random and passes != self.samples:
            self.samples = passes
            self.cases.promise.calibration = None
            self.start()

    def set_invert(self, invert: bool) -> None:
        """Turn pictures round whose ground is the reverse of the training pictures', or take them as they are."""
        self.invert = invert
        self.start()

    def stop(self) -> None:
        """End the answering; what has come stays."""
        self._answers.cancel()
        self._calibrate()

    def close(self) -> None:
        """Nothing more is asked or told."""
        for one in (self._facts, self._answers, self._calibration):
            one.close()

    def calibrate_again(self) -> None:
        """Ask for a coverage once more, which could not be promised: what it lacked may be there now."""
        self.no_promise = self._hint = ""
        self._calibrate()
        self.changed.emit()

    def _calibrate(self) -> None:
        if self.cases.calibration is None and len(self.cases) and not self.no_promise:
            self._calibration.ask(CalibrateAnswers(by=self.by))

    # ------------------------------------------------------------------------------------------ what comes back

    def _on_facts(self, facts: NetworkFacts) -> None:
        self.facts = facts
        self.known.emit(facts)
        self.start()

    def _on_event(self, event: object) -> None:
        if isinstance(event, AnswersCame):
            start, stop = self.cases.add(event.rows)
            for place, answer in self._kept.items():
                if start <= place < stop:
                    self.cases.correct(place, answer)
            self.came.emit(event.rows)
        elif isinstance(event, Progress):
            self.said.emit(event.text)

    def _on_answered(self, result: AnsweredCases) -> None:
        self.seconds = time.monotonic() - self._started
        self.ended.emit(result)
        self._calibrate()

    def _on_calibrated(self, found: AnswerCalibration) -> None:
        self.cases.promise.calibration = found
        self.calibrated.emit()

    def _on_not_calibrated(self, message: str, hint: str) -> None:
        self.no_promise, self._hint = f"{NO_PROMISE} {message}", hint
        self.calibrated.emit()

    def _tell_changed(self, _: bool) -> None:
        self.changed.emit()
