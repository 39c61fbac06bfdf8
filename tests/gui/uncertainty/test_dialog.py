"""The inspector's window: what is asked of the engine, what is shown of the answers, keys and files."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from dnnstudio.gui.engine_thread import Failure
from dnnstudio.gui.uncertainty.words import alike_sentence, headline, right_among_alike

from .conftest import StubEngine, invent


def test_it_samples_the_test_part_at_once_and_shows_the_first_image(open_dialog: Any, engine: StubEngine) -> None:
    samples = invent()
    dialog = open_dialog(samples)
    job = engine.jobs[0]
    assert (job.part, job.passes, job.earlier) == ("test", 100, None)
    mean = samples.array()[:, 0].astype(np.float64).mean(axis=0)
    winner = int(mean.argmax())
    spread = samples.array()[:, 0, winner].astype(np.float64).std()
    wanted = f"kind {winner}, {mean[winner] * 100:.0f}\u00a0% ± {spread * 100:.0f}\u00a0%."
    assert dialog.distribution.headline.title.text() == wanted
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
    engine.answer(invent())
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
    doubt = samples.scores.mutual_information
    assert np.array_equal(images.shown(), np.argsort(-doubt, kind="stable"))
    images.direction.click()
    assert np.array_equal(doubt[images.shown()], np.sort(doubt))
    images.kind.button("wrong").click()
    assert set(images.shown()) == set(np.flatnonzero(~samples.correct))
    images.filter(label=1, said=2)
    wanted = np.flatnonzero((samples.rows.labels == 1) & (samples.scores.winner == 2))
    assert set(images.shown()) == set(wanted)
    images.show_all()
    assert len(images.shown()) == 120


def test_a_table_shows_the_row_s_values_in_place_of_a_picture(open_dialog: Any) -> None:
    samples = invent(table=True)
    dialog = open_dialog(samples)
    card = dialog.distribution.headline
    assert not card.picture.isVisible()
    assert card.values.isVisible()
    assert not dialog.tabs.bar.isTabVisible(dialog.tabs.names().index("shift"))


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
        started = time.perf_counter()
        dialog.inspection.set_image(row)
        times.append(time.perf_counter() - started)
    assert float(np.median(times)) < 0.06  # a quarter of that on an idle machine
    started = time.perf_counter()
    dialog.images.direction.click()
    assert time.perf_counter() - started < 0.5


# -------------------------------------------------------------------------------------------------- the sentences


def test_the_sentences_say_what_the_figures_say() -> None:
    samples = invent()
    first, second = headline(samples, 3)
    order = np.argsort(-samples.scores.mean[3])
    assert first.startswith(f"kind {order[0]}, ")
    off = samples.rows.deterministic[3]
    said = int(off.argmax())
    whom = "" if said == order[0] else f"kind {said}, "
    assert second.startswith(f"Dropout off said {whom}{off[said] * 100:.0f}\u00a0%.")
    assert "119 images" in alike_sentence(samples, 3)


def test_images_alike_in_doubt_are_counted_without_the_image_itself() -> None:
    doubt = np.arange(1000.0)
    correct = np.zeros(1000, bool)
    correct[401:501] = True  # the hundred above
    assert right_among_alike(doubt, correct, 400) == (0.5, 200)
