"""Messages arrive as they were sent, whole or not at all, and every event of a training is among them."""

from __future__ import annotations

import dataclasses
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dnnstudio
from dnnstudio.core.analysis.divergence import Divergence
from dnnstudio.core.analysis.layer_health import LayerHealth
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import (
    BatchesDone,
    EpochDone,
    Event,
    HealthMeasured,
    Progress,
    RateChanged,
    RateTested,
    RunEnded,
    RunStarted,
    SavingPaused,
    Stage,
)
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.runner.wire import (
    MAX_BYTES,
    BrokenStreamError,
    event_from_plain,
    event_to_plain,
    read_message,
    write_message,
)

RESULT = RunResult(
    run="r", folder=Path("/some/where"), reason="diverged", epochs=2, best_epoch=1, metrics={"test": {"loss": 0.1}}
)
EVENTS: tuple[Event, ...] = (
    Progress(run="r", parent="p", done=1, total=3, text="Läuft", stage=Stage.SAVING),
    RunStarted(
        run="r", experiment=load_recipe("digits").experiment, folder=Path("x"), steps_per_epoch=3, epochs=2, note="n"
    ),
    BatchesDone(
        run="r",
        epoch=1,
        steps=np.arange(3),
        losses=np.array([0.1, np.inf, 1e-38], np.float32),
        accuracies=np.empty(0, np.float32),
        learning_rates=np.array([0.1, 1 / 3, 1e-300]),
        seconds_left=1.5,
    ),
    EpochDone(run="r", row={"epoch": 1, "loss": 1 / 3}, is_best=True),
    HealthMeasured(run="r", epoch=0.5, layers=(LayerHealth("a", 1.0, histogram=(1, 2)), LayerHealth("b", frozen=True))),
    RunEnded(run="r", reason="diverged", message="m", result=RESULT, cause=Divergence(1, 2, math.inf, 0.1, layer="a")),
    RateChanged(run="r", experiment=load_recipe("digits").experiment, step=7, rate=1 / 3),
    SavingPaused(run="r", reason="The disk is full.", full=True),
    RunEnded(run="r", reason="stopped", message="m"),
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_arrives_as_it_was_sent(event: Event) -> None:
    pipe = io.BytesIO()
    write_message(pipe, event_to_plain(event))
    pipe.seek(0)
    message = read_message(pipe)
    assert message is not None
    assert same(event, event_from_plain(message))
    assert read_message(pipe) is None


def names_in(folder: str, pattern: str) -> set[str]:
    """What the group of `pattern` finds in the source below a folder of the program."""
    paths = (Path(dnnstudio.__file__).parent / folder).rglob("*.py")
    return {found for path in paths for found in re.findall(pattern, path.read_text(encoding="utf-8"))}


def test_every_event_of_a_training_has_a_writer_a_reader_and_a_case_here() -> None:
    kinds = {kind.__name__: kind for kind in Event.__subclasses__()}
    # The learning-rate range test is a job of its own, which no child process runs.
    emitted = (names_in("engine/training", r"\b([A-Z]\w+)\(") & set(kinds)) - {"RateTested"}
    assert "RateChanged" in emitted
    assert emitted == {type(event).__name__ for event in EVENTS}
    for name in set(kinds) - emitted:
        with pytest.raises(TypeError, match=name):
            event_to_plain(kinds[name](**dict.fromkeys(field.name for field in dataclasses.fields(kinds[name]))))


def test_every_request_and_answer_is_read_at_the_other_end() -> None:
    asked = names_in("runner", r'"do": "(\w+)"')
    read = names_in("runner", r'message\["do"\] == "(\w+)"')
    assert asked == read == {"train", "stop"}
    answered = names_in("runner", r'"answer": "(\w+)"')
    assert answered == {"done", "cancelled", "failed"}
    assert names_in("runner", r'case "(\w+)":') == answered - {"failed"}  # which is what is left: `case _`
    told = names_in("runner/cluster", r'tell\(\{"(\w+)"') | names_in("runner/cluster", r'ask = \{"(\w+)"')
    told |= names_in("runner/cluster", r'tells\[task\.id\]\(\{"(\w+)"') | {"event"}
    heard = names_in("runner/cluster", r'"(\w+)" in plain') | names_in("runner/cluster", r'plain\.get\("(\w+)"\)')
    assert told == heard


def test_an_event_of_another_job_is_refused() -> None:
    with pytest.raises(TypeError, match="RateTested"):
        event_to_plain(RateTested(run="r", rates=np.zeros(1), losses=np.zeros(1), total=1))


def test_a_message_cut_off_anywhere_is_no_message() -> None:
    pipe = io.BytesIO()
    write_message(pipe, {"text": "two\nlines"})
    whole = pipe.getvalue()
    for length in range(len(whole)):
        assert read_message(io.BytesIO(whole[:length])) is None


@pytest.mark.parametrize("content", [b"hello\n", b"-1\n{}\n", b"%d\n" % (MAX_BYTES + 1), b"2\n[]\n", b"9" * 100])
def test_what_is_no_message_is_noticed(content: bytes) -> None:
    with pytest.raises(BrokenStreamError):
        read_message(io.BytesIO(content))
