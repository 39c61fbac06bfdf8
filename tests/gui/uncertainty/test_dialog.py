"""The inspector's window: what is asked of the engine, what is shown of the answers, keys and files."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from dnnstudio.core.uncertainty.scores import SCORES
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.uncertainty.sentences import alike_sentence, headline, pass_words, right_among_alike

from .conftest import StubEngine, invent


def test_it_samples_the_test_part_at_once_and_shows_its_greatest_doubt(open_dialog: Any, engine: StubEngine) -> None:
    samples = invent()
    dialog = open_dialog(samples)
    job = engine.jobs[0]
    assert (job.part, job.passes, job.earlier) == ("test", 100, None)
    passes = samples.array().astype(np.float64)
    means = passes.mean(axis=0)
    entropy = -(passes * np.log(passes)).sum(axis=-1).mean(axis=0)
    row = int((-(means * np.log(means)).sum(axis=-1) - entropy).argmax())  # mutual information
    mean, winner = means[row], int(means[row].argmax())
    spread = passes[:, row, winner].std()
    wanted = f"kind {winner}, {mean[winner] * 100:.0f}\u00a0% ± {spread * 100:.0f}\u00a0%."
    assert dialog.distribution.headline.title.text() == wanted
    assert dialog.images.view.chosen() == row == dialog.images.shown()[0]
    assert len(dialog.distribution.rows.rows()) == 4
    assert dialog.bar.status.text().startswith("20 passes sampled")


def test_the_window_is_not_modal_and_shows_passes_as_they_come(open_dialog: Any, engine: StubEngine) -> None:
    dialog = open_dialog()
    assert not dialog.isModal()
    assert dialog.bar.again.text() == "Stop"
    engine.tell(invent(passes=2))
    assert "Pass 2 of 100" in dialog.bar.status.text()
    assert dialog.distribution.headline.title.text()
    order = dialog.images.shown().copy()
    engine.tell(invent(passes=3))
    assert np.array_equal(dialog.images.shown(), order), "pictures must not jump about while passes come"
    dialog.inspection.set_image(7)
    engine.answer(invent())
    assert dialog.inspection.image == 7  # what a person looks at stays
    assert dialog.bar.again.text() == "Sample again"


def test_stop_keeps_the_passes_that_came(open_dialog: Any, engine: StubEngine, qtbot: QtBot) -> None:
    dialog = open_dialog()
    engine.tell(invent(passes=5))
    qtbot.mouseClick(dialog.bar.again, Qt.MouseButton.LeftButton)
    assert engine.controls[0].stopped
    engine.refuse(Failure("cancelled"))
    assert dialog.inspection.samples.passes == 5
    assert dialog.inspection.finished
    assert not dialog.sampling.busy


def test_only_the_tab_in_sight_is_made_before_it_is_looked_at(open_dialog: Any) -> None:
    """The others would more than double the time until the window is there."""
    dialog = open_dialog(invent())
    tabs = dialog.tabs
    assert [name for name in tabs.names() if tabs.is_made(name)] == ["distribution"]
    tabs.set_current("accuracy")
    assert tabs.is_made("accuracy") and tabs.pages.currentWidget() is dialog.accuracy
    assert dialog.accuracy.isVisible() and dialog.accuracy.title.text()
    assert not tabs.is_made("decision")


def test_frames_that_are_empty_say_what_comes(open_dialog: Any, engine: StubEngine) -> None:
    dialog = open_dialog()
    notice = dialog.notice
    for name in dialog.tabs.names():
        dialog.tabs.set_current(name)
        assert notice.isVisible() and notice.geometry() == dialog.tabs.pages.geometry()
        assert "once the engine is free" in notice.text()
    engine.refuse(Failure("person", "The file is damaged.", "Train it again."))
    assert "Press Sample again" in notice.text()
    dialog.sampling.start()
    engine.answer(invent())
    assert not notice.isVisible()


def test_more_passes_are_added_to_those_that_are_there(open_dialog: Any, engine: StubEngine, qtbot: QtBot) -> None:
    samples = invent()
    dialog = open_dialog(samples)
    dialog.bar.passes.set_value(50)
    dialog.bar.passes.committed.emit(50)
    qtbot.mouseClick(dialog.bar.more, Qt.MouseButton.LeftButton)
    job = engine.jobs[-1]
    assert job.earlier is samples
    assert (job.passes, job.seed) == (50, samples.seed)


def test_settings_reach_the_next_sampling(open_dialog: Any, engine: StubEngine, qtbot: QtBot) -> None:
    dialog = open_dialog(invent())
    for name in ("part_validation", "masks_one_a_pass", "precision_0.01", "new_seed"):
        found = [action for action in dialog.bar.settings.menu().actions() if action.objectName() == name]
        found[0].trigger()
    qtbot.mouseClick(dialog.bar.again, Qt.MouseButton.LeftButton)
    job = engine.jobs[-1]
    assert (job.part, job.masks, job.precision, job.seed) == ("validation", "one_a_pass", 0.01, 43)


def test_a_refusal_is_one_sentence_and_a_bug_is_told(open_dialog: Any, engine: StubEngine) -> None:
    dialog = open_dialog()
    engine.refuse(Failure("person", "This network predicts a number, not classes.", "Choose data with classes."))
    assert "predicts a number" in dialog.messages.message()
    assert dialog.bar.status.text() == "Nothing sampled"
    bugs: list[str] = []
    dialog.bug_found.connect(lambda message, details: bugs.append(message))
    dialog.sampling.start()
    engine.refuse(Failure("bug", "KeyError: 1", details="Traceback"))
    assert bugs == ["KeyError: 1"]


def test_no_spread_is_said(open_dialog: Any) -> None:
    from dataclasses import replace

    samples = invent()
    flat = replace(samples, scores=replace(samples.scores, std=np.zeros_like(samples.scores.std)))
    dialog = open_dialog(flat)
    assert "Every pass said the same" in dialog.messages.message()


def test_arrow_keys_move_through_the_images(open_dialog: Any, qtbot: QtBot) -> None:
    dialog = open_dialog(invent())
    dialog.images.sort.choose("number")
    dialog.inspection.set_image(0)
    for key, expected in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_Right, 2), (Qt.Key.Key_Left, 1)):
        qtbot.keyClick(dialog.images.grid, key)
        assert dialog.images.grid.chosen() == expected
        assert dialog.inspection.image == expected
    before = dialog.distribution.headline.where.text()
    dialog.distribution.headline.forward.click()
    assert dialog.distribution.headline.where.text() != before


def test_sorting_and_filters_show_what_they_say(open_dialog: Any) -> None:
    samples = invent()
    images = open_dialog(samples).images
    uncertainty = samples.scores.mutual_information
    assert np.array_equal(images.shown(), np.argsort(-uncertainty, kind="stable"))
    images.direction.click()
    assert np.array_equal(uncertainty[images.shown()], np.sort(uncertainty))
    images.kind.button("wrong").click()
    assert set(images.shown()) == set(np.flatnonzero(~samples.correct))
    images.filter(label=1, said=2)
    wanted = np.flatnonzero((samples.rows.labels == 1) & (samples.scores.winner == 2))
    assert set(images.shown()) == set(wanted)
    images.show_all()
    assert len(images.shown()) == 120


def test_a_table_is_listed_by_its_columns_and_its_row_has_a_place_among_the_training_rows(open_dialog: Any) -> None:
    samples = invent(table=True)
    dialog = open_dialog(samples)
    values, images = samples.rows.values, dialog.images
    assert values is not None
    assert not dialog.distribution.headline.picture.isVisible() and not images.grid.isVisible()
    assert not dialog.tabs.bar.isTabVisible(dialog.tabs.names().index("shift"))
    model = images.table.images
    heads = [model.headerData(column, Qt.Orientation.Horizontal) for column in range(model.columnCount())]
    assert heads == ["Row", "Mutual\ninformation", "Said", "Label", "height", "width", "colour"]
    assert images.table.horizontalHeader().textElideMode() is Qt.TextElideMode.ElideNone, "heads of two lines are whole"
    images.table.setColumnWidth(1, 60)
    assert images.table.horizontalHeader().textElideMode() is Qt.TextElideMode.ElideRight, "one that is narrower is cut"
    assert images.table.currentIndex().row() == 0
    dialog.tabs.set_current("accuracy")
    assert dialog.accuracy.teaches.text().endswith("see its rows.")
    dialog.tabs.set_current("distribution")
    dialog.inspection.set_image(5)
    training = np.sort(values[::2, 0])  # the rows that `invent` calls those of training
    below = ((training < values[5, 0]).sum() + (training <= values[5, 0]).sum()) / 2 / len(training)
    height, _, colour = dialog.distribution.row_card.places.lines()
    assert height == f"height: {values[5, 0]:.6g}, above {below * 100:.0f}\u00a0% of the training rows"
    alike = (values[::2, 2] == values[5, 2]).mean()
    named = ("red", "green", "blue")[int(values[5, 2])]
    assert colour == f"colour: {named}, {alike * 100:.0f}\u00a0% have it of the training rows"


def test_a_table_is_sorted_by_any_column_and_any_score(open_dialog: Any, qtbot: QtBot) -> None:
    samples = invent(table=True)
    images = open_dialog(samples).images
    values = samples.rows.values
    assert values is not None
    header = images.table.horizontalHeader()
    header.sectionClicked.emit(4)
    assert np.array_equal(images.shown(), np.argsort(-values[:, 0], kind="stable"))
    header.sectionClicked.emit(4)
    assert np.array_equal(images.shown(), np.argsort(values[:, 0], kind="stable"))
    header.sectionClicked.emit(6)  # blue, green, red: by the alphabet
    words = [("red", "green", "blue")[int(value)] for value in values[images.shown(), 2]]
    assert words == sorted(words)
    images.sort.choose("margin")
    assert np.array_equal(images.shown(), np.argsort(samples.scores.uncertainty("margin"), kind="stable"))
    images.table.choose(int(images.shown()[0]))
    qtbot.keyClick(images.table, Qt.Key.Key_Down)
    assert images.table.chosen() == images.shown()[1]
    qtbot.keyClick(images.table, Qt.Key.Key_Left)
    assert images.table.chosen() == images.shown()[0]


def test_closing_cancels_and_listens_no_more(open_dialog: Any, engine: StubEngine, qtbot: QtBot) -> None:
    dialog = open_dialog()
    with qtbot.waitSignal(dialog.closed):
        dialog.close()
    assert engine.controls[0].stopped
    engine.tell(invent(passes=2))
    assert dialog.inspection.samples is None


@pytest.mark.parametrize("kind", ["png", "svg", "csv", "npz"])
def test_what_is_shown_is_saved(open_dialog: Any, tmp_path: Path, kind: str) -> None:
    samples = invent()
    dialog = open_dialog(samples, ask=lambda parent, suggestion, filters: str(tmp_path / "out"))
    dialog.export(kind)
    path = tmp_path / f"out.{kind}"
    assert str(path) in dialog.messages.message()
    if kind == "png":
        assert QImage(str(path)).width() >= 2 * dialog.distribution.width() - 2
    elif kind == "svg":
        text = path.read_text()
        assert "<svg" in text and "kind 0" in text
    elif kind == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert len(rows) == 120
        assert list(rows[0])[:13] == [
            "image", "label", "said", "vote", "dropout_off", "right", "predictive_entropy", "expected_entropy",
            "mutual_information", "variation_ratio", "winner_std", "margin", "max_probability",
        ]  # fmt: skip
        assert float(rows[3]["mutual_information"]) == pytest.approx(samples.scores.mutual_information[3], abs=1e-8)
        assert rows[5]["label"] == samples.rows.class_names[samples.rows.labels[5]]
    else:
        with np.load(path) as arrays:
            assert np.array_equal(arrays["probabilities"], samples.array())


def test_a_place_that_cannot_be_written_is_a_sentence(open_dialog: Any, tmp_path: Path) -> None:
    dialog = open_dialog(invent(), ask=lambda parent, suggestion, filters: str(tmp_path / "none" / "out.csv"))
    dialog.export("csv")
    assert "cannot be written" in dialog.messages.message()


def test_copying_fills_the_clipboard(open_dialog: Any) -> None:
    dialog = open_dialog(invent())
    dialog.export("copy_figures")
    assert QGuiApplication.clipboard().text().startswith("class\tmean")
    dialog.export("copy_picture")
    assert not QGuiApplication.clipboard().pixmap().isNull()


def test_ten_thousand_images_are_sorted_and_chosen_quickly(open_dialog: Any, engine: StubEngine) -> None:
    samples = invent(rows=10_000, passes=10, classes=10)
    dialog = open_dialog(samples)
    times = []
    for row in range(1, 40):
        started = time.process_time()
        dialog.inspection.set_image(row)
        times.append(time.process_time() - started)
    assert float(np.median(times)) < 0.06  # a quarter of that on an idle machine
    started = time.process_time()
    dialog.images.direction.click()
    assert time.process_time() - started < 0.5


# -------------------------------------------------------------------------------------------------- the sentences


def test_the_sentences_say_what_the_figures_say() -> None:
    samples = invent()
    first, second = headline(samples, 3)
    order = np.argsort(-samples.scores.mean[3])
    assert first.startswith(f"kind {order[0]}, ")
    off = samples.rows.deterministic[3]
    said = int(off.argmax())
    whom = "" if said == order[0] else f"kind {said}, "
    assert second.startswith(f"± is the spread of passes. Dropout off said {whom}{off[said] * 100:.0f}\u00a0%.")
    assert "119 images most alike by 1 − margin" in alike_sentence(samples, 3, SCORES["margin"])


def test_the_networks_of_an_ensemble_are_not_called_passes() -> None:
    samples = replace(invent(), kind="members")
    assert pass_words(samples) == f"{samples.passes} networks"
    assert headline(samples, 3)[1].startswith("± is the spread of networks.")


def test_one_prediction_is_told_without_a_spread() -> None:
    samples = invent(single=True)
    first, second = headline(samples, 3)
    winner = int(samples.array()[0, 3].argmax())
    assert first == f"kind {winner}, {samples.array()[0, 3, winner] * 100:.0f}\u00a0%."
    assert "Dropout" not in second and "±" not in second


def test_the_score_that_is_chosen_ranks_the_images_and_finds_those_alike(open_dialog: Any) -> None:
    samples = invent()
    dialog = open_dialog(samples)
    for name in ("variation_ratio", "max_probability"):
        dialog.images.sort.choose(name)
        uncertainty = samples.scores.uncertainty(name)
        row = int(np.argsort(-uncertainty, kind="stable")[4])
        dialog.inspection.set_image(row)
        card = dialog.distribution.headline
        assert f"rank 5 by {SCORES[name].title.lower()}" in card.where.text()
        share, _ = right_among_alike(uncertainty, samples.correct, row)
        assert f"by {SCORES[name].title.lower()}, {share * 100:.0f}\u00a0% were right" in card.alike.text()


def test_a_network_without_dropout_is_judged_without_words_of_passes(open_dialog: Any, engine: StubEngine) -> None:
    samples = invent(rows=300, single=True)
    dialog = open_dialog(samples)
    assert dialog.distribution.no_spread.isVisible()
    assert not dialog.distribution.passes.isVisible()
    assert not dialog.bar.passes.isVisible() and not dialog.bar.more.isVisible()
    assert not dialog.messages.isVisible()
    labels, winner = samples.rows.labels, samples.array()[0].argmax(axis=1)
    recalls = [(winner[labels == number] == number).mean() for number in range(4)]
    dialog.tabs.set_current("accuracy")
    tab = dialog.accuracy
    assert tab.title.text() == f"{(winner == labels).mean() * 100:.2f}\u00a0% right."
    assert f"{np.mean(recalls) * 100:.1f}\u00a0%" in tab.second.text()
    assert f"right in {np.bincount(labels).max() / 3:.1f}\u00a0%" in tab.second.text()
    assert not tab.answer.isVisible()
    dialog.tabs.set_current("calibration")
    engine.answer(invent(rows=200, seed=2, single=True))
    assert [choice.value for choice in dialog.calibration.source.choices()] == ["mean", "mean_t"]
    dialog.tabs.set_current("decision")
    offered = [choice.value for choice in dialog.decision.score.choices()]
    assert offered == ["predictive_entropy", "margin", "max_probability"]
    assert offered == [choice.value for choice in dialog.images.sort.choices()][:3]
    words = " ".join(
        shown.text()
        for page in ("accuracy", "calibration", "decision")
        for shown in dialog.tabs.page(page).findChildren(QLabel)
        if shown.isVisibleTo(dialog.tabs.page(page))
    )
    assert "pass" not in words.lower() and "dropout" not in words.lower()


def test_images_alike_in_doubt_are_counted_without_the_image_itself() -> None:
    uncertainty = np.arange(1000.0)
    correct = np.zeros(1000, bool)
    correct[401:501] = True  # the hundred above
    assert right_among_alike(uncertainty, correct, 400) == (0.5, 200)
