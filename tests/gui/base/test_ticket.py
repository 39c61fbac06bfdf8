"""The answer to a job goes to the one who asked, once, by either engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import Progress
from dnnstudio.core.jobs.requests import DescribeData, EvaluateModel
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.gui.base.ticket import Failure, Ticket

from .conftest import Log, MakeEngine, training


def test_everyone_hears_of_their_own_job_alone(make_engine: MakeEngine, qtbot: Any, tmp_path: Path) -> None:
    engine = make_engine()
    heard: dict[str, list[Any]] = {"training": [], "data": [], "missing": []}
    job = training(tmp_path, epochs=1)
    engine.ask(job, on_event=heard["training"].append, on_result=heard["training"].append)
    engine.ask(DescribeData(data=Data(), seed=1), on_result=heard["data"].append, on_failure=heard["data"].append)
    missing = DescribeData(data=Data(source=Npz(path="missing.npz")), seed=1)
    engine.ask(missing, on_result=heard["missing"].append, on_failure=heard["missing"].append)
    engine.start()
    qtbot.waitUntil(lambda: all(heard.values()) and isinstance(heard["training"][-1], RunResult))
    assert {event.run for event in heard["training"]} == {job.id}
    assert [preview.summary.input_shape for preview in heard["data"]] == [(8, 8)]
    assert heard["missing"] == [Failure("person", "The file does not exist.", "Choose another one.")]


def test_the_same_job_asked_twice_answers_both(make_engine: MakeEngine, qtbot: Any) -> None:
    engine = make_engine()
    heard: list[str] = []
    job = DescribeData(data=Data(), seed=1)
    for name in ("first", "second"):
        engine.ask(job, on_result=lambda _, name=name: heard.append(name))
    engine.start()
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert heard == ["first", "second"]


def test_an_abandoned_job_tells_the_watchers_alone(make_engine: MakeEngine, qtbot: Any) -> None:
    engine = make_engine()
    log = Log(engine)
    heard: list[Any] = []
    told = heard.append
    ticket = engine.ask(EvaluateModel(model="run", experiment=Experiment()), on_result=told, on_failure=told,
                        on_cancelled=lambda: told(None))  # fmt: skip
    ticket.abandon()
    engine.start()
    qtbot.waitUntil(lambda: ticket.over)
    assert log.outcome(ticket.job).kind == "cancelled"
    assert heard == []
    ticket.abandon()  # once more does no harm, whether the Qt object is still there or not


def test_a_ticket_hears_one_end_only(qtbot: Any) -> None:
    owner, ends = QObject(), []  # type: ignore[var-annotated]
    ticket = Ticket(DescribeData(data=Data(), seed=1), owner, on_result=ends.append, on_failure=ends.append)
    ticket.finish("a result")
    ticket.fail(Failure("bug", "too late"))
    ticket.finish("another")
    ticket.report(Progress(run=ticket.job.id, done=1, total=2))
    assert ends == ["a result"] and ticket.over
