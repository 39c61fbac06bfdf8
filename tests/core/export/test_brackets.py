"""Exported scripts are for people: a bracket that is closed on a line of its own stands as deep as it was opened."""

from __future__ import annotations

import io
import tokenize

import pytest

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, Warmup
from dnnstudio.core.export.training import training_lines

SUMMARY = DataSummary((6,), ("a", "b", "c"), binary=False)
LED = (RateChange(phase=1, at=2, unit="epochs", factor=0.5), RateChange(phase=1, at=7, rate=0.01))
FROM_THE_START = (RateChange(phase=1, at=0, unit="epochs", epochs=20), *LED)


def misplaced(code: str) -> list[str]:
    """The lines that begin with a closing bracket and stand at another depth than the line that opened it."""
    lines, opened, found = code.split("\n"), [], []
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        line = lines[token.start[0] - 1] if token.start[0] <= len(lines) else ""
        if token.string in "([{" and token.type == tokenize.OP:
            opened.append(len(line) - len(line.lstrip()))
        elif token.string in ")]}" and token.type == tokenize.OP:
            depth = opened.pop()
            if line.lstrip().startswith(token.string) and token.start[1] != depth:
                found.append(line)
    return found


@pytest.mark.parametrize("changes", [(), LED, FROM_THE_START], ids=["as planned", "led", "led from the start"])
@pytest.mark.parametrize("kind", SCHEDULE_KINDS)
def test_brackets_close_as_deep_as_they_were_opened(kind: str, changes: tuple[RateChange, ...]) -> None:
    schedule = SCHEDULE_KINDS[kind].new().replaced(warmup=Warmup(duration=3, unit="steps"))
    layers = (Dense(id="output", units=3, activation="softmax"),)
    code = training_lines(Experiment(layers=layers, schedule=schedule, rate_changes=changes), SUMMARY)
    assert not misplaced(code)
    if changes == FROM_THE_START and not schedule.adaptive:
        assert code.count("(0, 0, ") == 1  # nothing is led by a plan that is replaced before the first step
