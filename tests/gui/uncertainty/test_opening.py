"""The way from the main window to the inspector: what it is opened on, and when it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.requests import SampleModel, TrainRun
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.uncertainty import subject_at, subject_of

from ..window_kit import open_window

OUTPUT = Dense(id="output", units=10, activation="softmax")
WITH = Experiment(name="With", layers=(Flatten(id="flatten"), Dropout(id="drop", rate=0.2), OUTPUT))
WITHOUT = Experiment(name="Without", layers=(Flatten(id="flatten"), OUTPUT))


def store(workspace: Path, number: int, experiment: Experiment, *, model: bool = True) -> Path:
    """A run folder as training leaves it, as far as the table of runs looks into it."""
    folder = workspace / "runs" / f"{number:04d} {experiment.name}"
    folder.mkdir(parents=True)
    codec.save(experiment, folder / "experiment.json")
    (folder / "metrics.json").write_text(json.dumps({"reason": "finished", "run": f"run{number}"}))
    if model:
        (folder / "model.keras").write_bytes(b"")
    return folder


def test_the_chosen_run_comes_before_the_model_at_hand(tmp_path: Path) -> None:
    record = read_run(store(tmp_path, 3, WITH))
    found = subject_of(record, "another", WITHOUT)
    assert found is not None
    assert (found.model, found.experiment, found.title) == (record.folder, WITH, "run 3, With, weights of the end")


def test_without_a_finished_network_the_model_at_hand_is_taken(tmp_path: Path) -> None:
    record = read_run(store(tmp_path, 1, WITH, model=False))
    found = subject_of(record, "opened", WITHOUT)
    assert found is not None and found.model == "opened"
    assert subject_of(record, None, WITH) is None


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    store(tmp_path / "workspace", 1, WITH)
    store(tmp_path / "workspace", 2, WITHOUT)
    with open_window(qtbot, qapp, tmp_path) as made:
        qtbot.waitUntil(lambda: made.runs.runs.rowCount() == 2)
        yield made


def choose(window: MainWindow, number: int) -> None:
    for record in window.runs.runs.records:
        if record.number == number:
            window.runs.select(record.folder)


def test_every_trained_network_can_be_inspected_with_dropout_or_without(window: MainWindow) -> None:
    action = window.actions_["uncertainty"]
    assert not action.isEnabled()
    for number in (1, 2):
        choose(window, number)
        assert action.isEnabled()
        action.trigger()
    assert len(window.workbench.uncertainty.windows) == 2
    window.workbench.uncertainty.close_all()


def test_dropout_is_one_undo_step_and_trains_on_from_the_run_s_weights(window: MainWindow) -> None:
    before = window.document.experiment
    choose(window, 2)
    window.actions_["uncertainty"].trigger()
    dialog = next(iter(window.workbench.uncertainty.windows))
    dialog.distribution.no_spread.fix_button.click()
    after = window.document.experiment
    assert [layer.kind for layer in after.layers] == ["flatten", "dropout", "dense"]
    assert after.transfer is not None
    assert after.transfer.source == str(window.runs.chosen.folder)
    assert [item.layer for item in after.transfer.reuse] == ["output"]
    trained = [job for job in window.engine.submitted if isinstance(job, TrainRun)]
    assert [job.experiment for job in trained] == [after]
    window.document.undo_stack.undo()
    assert window.document.experiment == before
    dialog.close()


def test_one_inspector_a_network_beside_the_window(window: MainWindow) -> None:
    choose(window, 1)
    window.actions_["uncertainty"].trigger()
    window.actions_["uncertainty"].trigger()
    assert len(window.workbench.uncertainty.windows) == 1
    dialog = next(iter(window.workbench.uncertainty.windows))
    assert dialog.isVisible()
    assert not dialog.isModal()
    jobs = [job for job in window.engine.submitted if isinstance(job, SampleModel)]
    assert [job.model for job in jobs] == [window.runs.chosen.folder]
    dialog.close()
    assert not window.workbench.uncertainty.windows


def test_closing_the_window_closes_the_inspector(qtbot: Any, window: MainWindow) -> None:
    choose(window, 1)
    window.workbench.uncertainty.open()
    dialog = next(iter(window.workbench.uncertainty.windows))
    with qtbot.waitSignal(dialog.closed):
        window.close_without_asking()


def test_the_threshold_of_the_decision_tab_is_known_after_its_window_was_closed(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    choose(window, 1)
    opener = window.workbench.uncertainty
    model = str(tmp_path / "workspace" / "runs" / "0001 With")
    assert opener.threshold(model) is None
    opener.open_decision(opener.subject)
    dialog = opener.windows.get(model)
    assert dialog is not None
    assert dialog.tabs.current() == "decision"
    assert opener.threshold(model) is None  # nothing is sampled yet
    dialog.decision.decision.score = "margin"
    dialog.decision.decision.threshold = 0.125
    dialog.close()
    assert model not in opener.windows
    assert opener.threshold(model) == ("margin", 0.125)


def test_predict_opens_the_decision_tab_of_the_weights_that_answer(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    """Its default are the best weights, where the inspector of the selected run asks the last ones."""
    folder = store(tmp_path / "workspace", 3, WITH)
    metrics = {"reason": "finished", "run": "run3", "epochs": 5, "best_epoch": 2, "best": {}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "best.keras").write_bytes(b"")
    window.runs.refresh()
    qtbot.waitUntil(lambda: window.runs.runs.rowCount() == 3)
    choose(window, 1)
    opener, predict = window.workbench.uncertainty, window.workbench.predict
    predict.open_run(folder)
    asking = predict.windows.get("predict")
    assert asking is not None and asking.asking.weights == "best"
    asking.bar.decision.click()
    dialog = opener.windows.get(str(folder / "best.keras"))
    assert dialog is not None and dialog.tabs.current() == "decision"
    assert "run 3, With, best weights, of epoch 2" in dialog.windowTitle()
    jobs = [job for job in window.engine.submitted if isinstance(job, SampleModel)]
    assert [(job.model, job.weights) for job in jobs] == [(folder, "best")]
    dialog.decision.decision.score, dialog.decision.decision.threshold = "margin", 0.125
    assert predict.threshold(asking.network, "best") == ("margin", 0.125)
    assert predict.threshold(asking.network, "last") is None
    asking.bar.weights_chosen.emit("last")
    asking.bar.decision.click()
    assert len(opener.windows) == 2 and str(folder) in opener.windows
    opener.close_all()
    predict.close_all()


def test_dropout_trains_on_from_the_weights_that_were_judged(window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "workspace" / "runs" / "0002 Without"
    (folder / "best.keras").write_bytes(b"")
    window.workbench.uncertainty.open_decision(lambda: subject_at(folder, "best"))
    dialog = window.workbench.uncertainty.windows.get(str(folder / "best.keras"))
    assert dialog is not None
    dialog.distribution.no_spread.fix_button.click()
    transfer = window.document.experiment.transfer
    assert transfer is not None and transfer.source == str(folder / "best.keras")
    dialog.close()


def test_a_file_without_a_run_says_why_it_has_no_decision_tab(tmp_path: Path) -> None:
    (tmp_path / "a.keras").write_bytes(b"")
    with pytest.raises(UserError, match="does not say on which data"):
        subject_at(tmp_path / "a.keras", "last")
