"""How the sets of new cases are made: chosen in the window's bar, shown, and saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QFontMetrics

from dnnstudio.core.jobs.cases import SaveAnswers
from dnnstudio.core.uncertainty.conformal import SetCalibration
from dnnstudio.core.uncertainty.set_kinds import SetKind

from .kit import PICTURES, KeepingAt, Opener, press


def test_another_kind_of_sets_needs_no_engine_and_is_saved(open_window: Opener, tmp_path: Path) -> None:
    window = open_window("net", *PICTURES)
    keeping = window.keeping
    assert isinstance(keeping, KeepingAt)
    keeping.file = tmp_path / "answers"
    window.cases.promise.coverage = 0.6
    before, plain = len(open_window.engine.submitted), [window.cases.members(place) for place in range(6)]
    window.bar.kind.setCurrentIndex(window.bar.kind.findText("APS"))
    window.bar.kind.activated.emit(window.bar.kind.currentIndex())
    assert len(open_window.engine.submitted) == before
    assert [window.cases.members(place) for place in range(6)] != plain
    press(open_window, window, "predict_save")
    open_window.settle()
    calibration = open_window.asked(SaveAnswers)[0].calibration
    assert isinstance(calibration, SetCalibration) and calibration.method is SetKind.APS.method


def test_a_class_with_too_few_rows_of_its_own_is_in_every_set_and_that_is_said(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    window.bar.slider.setValue(950)  # 19 rows a class, and 41 rows of four classes are there
    window.bar.kind_chosen.emit("by_class")
    assert "In every set, as a class needs 19 rows of its own to calibrate on: cat, dog" in window.bar.kind.toolTip()
    window.bar.kind_chosen.emit("lac")
    assert window.bar.kind.toolTip() == f"{SetKind.LAC.help}."


def test_a_number_has_no_kind_of_sets(open_window: Opener) -> None:
    window = open_window("number", Path("/data/rows 50.csv"))
    assert window.bar.kind.isHidden()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_the_names_of_the_kinds_are_whole(open_window: Opener, size: tuple[int, int]) -> None:
    window = open_window("net", *PICTURES, size=size)
    metrics = QFontMetrics(window.bar.kind.font())
    for kind in SetKind:
        assert metrics.horizontalAdvance(kind.name_shown) + 44 <= window.bar.kind.width()


def test_no_field_is_empty_before_there_is_a_case(open_window: Opener) -> None:
    window = open_window("net")
    assert window.bar.kind.currentText() == SetKind.LAC.name_shown and not window.bar.kind.isEnabled()
