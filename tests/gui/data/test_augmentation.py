"""The window of augmentation: sliders are fields, every change is an undo step, the pictures follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dnnstudio.core.experiment.data import Data, DataSummary, NoiseAugmentation, PictureAugmentation
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.requests import Augment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.data.augmentation.window import AugmentationWindow
from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    made = FakeEngine()
    made.start()
    yield made
    made.shutdown()
    made.deleteLater()


@pytest.fixture
def document() -> Document:
    document = Document(Experiment(data=Data(augmentation=PictureAugmentation())))
    document.set_summary(DataSummary((8, 8), ("0", "1"), False, (20, 5, 5)))
    return document


@pytest.fixture
def window(qtbot: Any, theme: Theme, engine: FakeEngine, document: Document) -> Iterator[AugmentationWindow]:
    made = AugmentationWindow(theme, document, JobClient(engine))
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: made.grid.pictures is not None)
    yield made
    made.close()
    made.deleteLater()


def augmentation(document: Document) -> Any:
    return document.experiment.data.augmentation


def test_every_field_has_its_slider_or_list(window: AugmentationWindow) -> None:
    sliders = window.sliders[PictureAugmentation]
    assert {*sliders.sliders, *sliders.lists} == PictureAugmentation.model_fields.keys() - {"kind"}
    assert set(window.sliders[NoiseAugmentation].sliders) == {"stddev"}


def test_a_slider_changes_the_field_in_one_undo_step_and_the_pictures(
    qtbot: Any, window: AugmentationWindow, document: Document
) -> None:
    before = window.grid.pictures
    slider = window.sliders[PictureAugmentation].sliders["turn"]
    for place in (10, 30, 50):
        slider.setValue(place)
    assert augmentation(document).turn == 90
    qtbot.waitUntil(lambda: not np.array_equal(window.grid.pictures, before))
    assert before is not None and np.array_equal(window.grid.pictures[0], before[0])
    document.undo_stack.undo()
    assert augmentation(document) == PictureAugmentation()
    assert slider.value() == round(10 / 180 * 100)
    assert augmentation(document).turn == 10  # a value between two positions of the slider stays as it is


def test_quick_movements_are_asked_once(qtbot: Any, window: AugmentationWindow, engine: FakeEngine) -> None:
    asked = len(engine.submitted)
    for place in range(20, 60):
        window.sliders[PictureAugmentation].sliders["shift"].setValue(place)
    qtbot.waitUntil(lambda: not window.client.busy and len(engine.submitted) > asked)
    assert len(engine.submitted) <= asked + 2
    last = engine.submitted[-1]
    assert isinstance(last, Augment) and last.data.augmentation == PictureAugmentation(shift=0.295)


def test_off_and_on_brings_back_what_was_set(qtbot: Any, window: AugmentationWindow, document: Document) -> None:
    window.sliders[PictureAugmentation].lists["flip"].chosen.emit("horizontal")
    qtbot.mouseClick(window.switch, Qt.MouseButton.LeftButton)
    assert augmentation(document) is None
    assert not window.sliders[PictureAugmentation].isEnabled()
    qtbot.mouseClick(window.switch, Qt.MouseButton.LeftButton)
    assert augmentation(document) == PictureAugmentation(flip="horizontal")
    document.undo_stack.undo()
    assert augmentation(document) is None and not window.switch.isChecked()


def test_another_picture_and_round_again(qtbot: Any, window: AugmentationWindow) -> None:
    first = window.grid.pictures
    for _ in range(5):
        before = window.grid.pictures
        qtbot.mouseClick(window.another, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda before=before: not np.array_equal(window.grid.pictures, before))
    assert np.array_equal(window.grid.pictures, first)


def test_rows_of_a_table_get_noise_and_no_pictures(
    qtbot: Any, theme: Theme, engine: FakeEngine, document: Document
) -> None:
    document.push(Experiment(), "New")
    document.set_summary(DataSummary((4,), ("0", "1"), False, (20, 5, 5)))
    window = AugmentationWindow(theme, document, JobClient(engine))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "no pictures" in window.note.text())
    qtbot.mouseClick(window.switch, Qt.MouseButton.LeftButton)
    assert augmentation(document) == NoiseAugmentation()
    assert window.sliders[NoiseAugmentation].isVisible() and not window.sliders[PictureAugmentation].isVisible()
    assert [job for job in engine.submitted if isinstance(job, Augment)] == []
    window.close()
