"""A repeat on the machines of a cluster: the join file, what it can do, and what is said where it cannot."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.ensembles import read_ensemble
from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer, SeedsDialog
from dnnstudio.gui.dialogs.where_field import ANOTHER, ASKING, HERE, WhereField
from dnnstudio.runner.cluster import extra
from dnnstudio.runner.cluster.access import Cluster
from dnnstudio.runner.cluster.join_file import JoinFile
from dnnstudio.runner.local import OnEvent

from ..fake_runner import FakeRunner
from .repeat_kit import Driver


def cluster(slots: int = 6, threads: int = 4) -> Cluster:
    join = JoinFile(address="", authority="", certificate="", key="", expires=0.0, versions={})
    return Cluster(Path("lab.json"), join, slots, threads)


def where(qtbot: Any, found: Cluster | UserError, path: Path | None = Path("lab.json")) -> WhereField:
    def find(path: Path) -> Cluster:
        if isinstance(found, UserError):
            raise found
        return found

    field = WhereField(lambda parent: path, find=find)
    qtbot.addWidget(field)
    field.show()
    return field


def test_a_join_file_is_asked_what_its_machines_can_do(qtbot: Any, driver: Driver) -> None:
    field = where(qtbot, cluster())
    assert field.ready and field.cluster is None
    with qtbot.waitSignal(field.changed, check_params_cb=lambda: field.cluster is not None):
        field.box.choose(ANOTHER)
        assert not field.ready and field.said.text() == ASKING
    assert field.ready and field.cluster == cluster()
    assert field.said.text() == "It trains 6 at a time, with 4 threads each."
    field.box.choose(HERE)
    assert field.ready and field.cluster is None and field.said.isHidden()


def test_a_cluster_that_does_not_answer_is_a_sentence(qtbot: Any, driver: Driver) -> None:
    field = where(qtbot, UserError("The cluster does not answer.", "Is it running?"))
    field.box.choose(ANOTHER)
    qtbot.waitUntil(lambda: field.problem.isVisible())
    assert field.problem.text() == "The cluster does not answer. Is it running?"
    assert not field.ready and field.cluster is None
    field.box.choose(HERE)
    assert field.ready and field.problem.isHidden()


def test_without_the_extra_one_sentence_says_how_to_get_it(
    qtbot: Any, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extra, "PACKAGES", ("no_such_package",))
    field = where(qtbot, cluster())
    field.box.choose(ANOTHER)
    assert "no_such_package" in field.problem.text()
    assert 'pip install "dnnstudio[cluster]"' in field.problem.text()
    assert field.ready and field.box.value() == HERE


def test_the_dialog_trains_as_many_at_a_time_as_the_cluster_can(qtbot: Any, driver: Driver) -> None:
    dialog = SeedsDialog(driver.window.theme, "Digits", 40)
    qtbot.addWidget(dialog)
    dialog.where._find = lambda path: cluster(slots=4)
    dialog.where.choose_path(Path("lab.json"))
    assert dialog.answer is None and not dialog.apply.isEnabled()
    qtbot.waitUntil(lambda: dialog.where.ready)
    assert dialog.answer == SeedsAnswer(5, 4, cluster(slots=4)) and dialog.apply.isEnabled()
    assert "4 at a time, 4 threads each" in dialog.sentence.text()


def test_a_repeat_is_trained_by_the_cluster(qtbot: Any, driver: Driver) -> None:
    joined: list[Cluster] = []

    def make(found: Cluster, jobs: int | None, threads: int, on_event: OnEvent) -> FakeRunner:
        joined.append(found)
        return driver._make(jobs or 0, threads, on_event)

    driver.repeats.make_cluster_runner = make
    driver.window.workbench.dialogs.seeds = SeedsAnswer(2, 2, cluster())
    driver.window.actions_["several_seeds"].trigger()
    qtbot.waitUntil(lambda: bool(driver.runners) and len(driver.runner.work) == 2)
    assert joined == [cluster()] and (driver.runner.jobs, driver.runner.threads) == (2, 4)
    assert read_ensemble(driver.folder).threads == 4
    for number in read_ensemble(driver.folder).seeds:
        driver.runner.begin(number)
        driver.runner.end(number)
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    assert driver.record.repeat.trained == 2


def test_a_cluster_that_has_gone_refuses_the_repeat_and_leaves_the_window_free(qtbot: Any, driver: Driver) -> None:
    def make(found: Cluster, jobs: int | None, threads: int, on_event: OnEvent) -> FakeRunner:
        raise UserError("The cluster does not answer.", "Is it running?")

    driver.repeats.make_cluster_runner = make
    driver.window.workbench.dialogs.seeds = SeedsAnswer(2, 2, cluster())
    driver.window.actions_["several_seeds"].trigger()
    qtbot.waitUntil(lambda: "The cluster does not answer." in driver.window.messages.text())
    assert driver.window.workbench.controller.activity == "idle" and driver.repeats.training is None


def test_a_stop_is_answered_while_the_cluster_is_silent(qtbot: Any, driver: Driver) -> None:
    answers = threading.Event()
    made: list[FakeRunner] = []

    def make(found: Cluster, jobs: int | None, threads: int, on_event: OnEvent) -> FakeRunner:
        answers.wait(30)
        made.append(FakeRunner(jobs or 0, threads, on_event))
        return made[0]

    driver.repeats.make_cluster_runner = make
    driver.window.workbench.dialogs.seeds = SeedsAnswer(2, 2, cluster())
    driver.window.actions_["several_seeds"].trigger()
    assert driver.window.workbench.controller.activity != "idle"
    driver.window.actions_["stop"].trigger()
    assert driver.window.workbench.controller.activity == "idle"
    answers.set()
    qtbot.waitUntil(lambda: bool(made) and made[0].shut)
    assert not made[0].work
