"""Whatever is raised in the middle of a training, of whatever kind, the run ends once and can be read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, RunEnded, RunStarted
from dnnstudio.core.workspace.runs import is_run, read_run
from dnnstudio.engine.training.checkpoint import load_checkpoint
from tests.thorough import some

Make = Callable[..., Any]


def exhausted() -> BaseException:
    import tensorflow as tf

    return tf.errors.ResourceExhaustedError(None, None, "out of memory")


def invalid() -> BaseException:
    import tensorflow as tf

    return tf.errors.InvalidArgumentError(None, None, "shapes differ")


FAULTS: dict[str, Callable[[], BaseException]] = {
    "memory": MemoryError,
    "interrupt": KeyboardInterrupt,
    "exit": lambda: SystemExit(3),
    "TensorFlow's memory": exhausted,
    "TensorFlow's argument": invalid,
    "a bug": lambda: ZeroDivisionError("a bug"),
    "for the person": lambda: UserError("The data is gone.", "Choose it again."),
}
MOMENTS = {"the start": RunStarted, "batches": BatchesDone, "an epoch": EpochDone}


QUICK = (("memory", "an epoch"), ("exit", "batches"), ("a bug", "the start"))


@pytest.mark.parametrize(("fault", "moment"), some(itertools.product(FAULTS, MOMENTS), QUICK))
def test_whatever_is_raised_wherever_it_ends_the_run_once(
    fault: str, moment: str, recorder: Any, experiment: Make, rows: Make
) -> None:
    raised = FAULTS[fault]()

    def look(event: Event) -> None:
        if isinstance(event, MOMENTS[moment]):
            recorder.on_event = lambda event: None
            raise raised

    recorder.on_event = look
    with pytest.raises(type(raised)) as caught:
        recorder.train(experiment(training=Training(epochs=3, batch_size=16)), rows())
    assert caught.value is raised
    (ended,) = recorder.of(RunEnded)
    assert ended.reason == "failed"
    assert recorder.events[-1] is ended
    assert is_run(recorder.folder)
    assert not read_run(recorder.folder).changed
    assert load_checkpoint(recorder.folder).position.epoch <= 3
