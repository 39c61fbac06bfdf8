"""One question at a time: the newest is answered, and nobody hears of the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.requests import EvaluateModel, ListLibrary, OpenModel
from dnnstudio.core.jobs.results import Evaluation
from dnnstudio.gui.base.job_client import JobClient

from ..fake_engine import FakeEngine


@pytest.fixture
def engine(qtbot: Any) -> Iterator[FakeEngine]:
    made = FakeEngine()
    yield made
    made.shutdown()
    made.deleteLater()


class Heard(list[Any]):
    """What a client said, in order."""

    def __init__(self, client: JobClient) -> None:
        super().__init__()
        client.busy_changed.connect(self.append)
        client.answered.connect(self.append)
        client.refused.connect(lambda message, hint: self.append((message, hint)))
        client.cancelled.connect(lambda: self.append("cancelled"))


def test_a_new_question_takes_the_place_of_the_one_before(qtbot: Any, engine: FakeEngine, tmp_path: Path) -> None:
    client = JobClient(engine)
    heard = Heard(client)
    client.ask(ListLibrary(workspace=tmp_path))
    client.ask(EvaluateModel(model="run", experiment=Experiment(), parts=("test",)))
    engine.start()
    qtbot.waitUntil(lambda: not client.busy)
    assert heard == [True, False, True, False, Evaluation(parts={"test": {"loss": 0.1, "accuracy": 0.961}})]
    assert engine.tickets[0].control.stopped


def test_why_there_is_no_answer_is_told_once(qtbot: Any, engine: FakeEngine, tmp_path: Path) -> None:
    client = JobClient(engine)
    heard = Heard(client)
    client.ask(OpenModel(path=tmp_path / "none.keras"))
    engine.start()
    qtbot.waitUntil(lambda: not client.busy)
    assert heard == [True, False, (f"{tmp_path / 'none.keras'} does not exist.", "Check the path.")]


def test_a_job_stopped_from_elsewhere_is_cancelled_and_a_closed_client_says_nothing(
    qtbot: Any, engine: FakeEngine, tmp_path: Path
) -> None:
    client, closed = JobClient(engine), JobClient(engine)
    heard, silence = Heard(client), Heard(closed)
    for one in (client, closed):
        one.ask(ListLibrary(workspace=tmp_path))
    silence.clear()
    closed.close()
    engine.tickets[0].cancel()
    engine.start()
    qtbot.waitUntil(lambda: all(ticket.over for ticket in engine.tickets))
    assert heard == [True, False, "cancelled"]
    assert silence == []


def test_after_the_engine_s_end_a_question_is_cancelled_at_once(engine: FakeEngine, tmp_path: Path) -> None:
    engine.shutdown()
    client = JobClient(engine)
    heard = Heard(client)
    client.ask(ListLibrary(workspace=tmp_path))
    assert not client.busy and heard == [False, "cancelled"]
