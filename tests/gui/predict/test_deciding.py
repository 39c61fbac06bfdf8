"""Above which doubt a person is asked: the Decision tab's threshold is of the same weights and the same score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt

from dnnstudio.core.jobs.cases import AnswerCases
from dnnstudio.gui.theme import cure_of, reason_of
from dnnstudio.gui.widgets import NumberField

from .kit import PICTURES, KeepingAt, Opener, press

MORE = Path("/new/more.png")


def test_the_decision_tab_is_asked_about_the_weights_that_answer(open_window: Opener) -> None:
    window, around = open_window("net", *PICTURES, best=3), open_window.around
    proposed = window.cases.threshold
    around.decided, around.decided_for = ("margin", 0.25), "last"
    press(open_window, window, "predict_decision")
    assert open_window.asked(AnswerCases)[-1].by.weights == "best"
    assert around.opened_with == ["best"]
    said = window.messages.message()
    assert "other weights" in said and "the last weights" in said and "the best of epoch 3" in said
    assert window.cases.threshold == proposed and window.cases.score == "mutual_information"
    around.decided_for = "best"
    press(open_window, window, "predict_decision")
    assert (window.cases.score, window.cases.threshold) == ("margin", 0.25)
    assert "best of epoch 3" in window.bar.threshold.toolTip()
    assert window.messages.isHidden()  # it said what is not true any more
    window.bar.weights_chosen.emit("last")
    open_window.settle()
    assert window.cases.score == "mutual_information" and window.cases.threshold == proposed


def test_what_was_said_after_a_refused_threshold_stays_when_one_is_taken(open_window: Opener) -> None:
    window, around = open_window("net", *PICTURES, best=3), open_window.around
    around.decided, around.decided_for = ("margin", 0.25), "last"
    press(open_window, window, "predict_decision")
    window.add(PICTURES[:1])
    said = window.messages.message()
    assert "answered already" in said
    around.decided_for = "best"
    press(open_window, window, "predict_decision")
    assert window.cases.threshold == 0.25 and window.messages.message() == said


def test_a_network_with_one_kind_of_weights_needs_no_word_for_them(open_window: Opener) -> None:
    open_window.around.decided = ("predictive_entropy", 0.4)
    window = open_window("plain", *PICTURES)
    assert "chosen for these weights" in window.bar.threshold.toolTip()


def test_of_one_answer_the_entropy_decides_as_it_does_in_the_inspector(open_window: Opener) -> None:
    open_window.around.decided = ("predictive_entropy", 0.4)
    window = open_window("plain", *PICTURES)
    assert (window.cases.score, window.cases.threshold) == ("predictive_entropy", 0.4)
    doubts, p = window.cases.uncertainties, window.cases.blocks[0].values
    assert doubts is not None and np.isnan(doubts[-1])  # the one that cannot be read
    np.testing.assert_allclose(doubts[:-1], -(p[:-1] * np.log(p[:-1])).sum(axis=1))
    assert window.cases.counts()["ask"] == int((doubts[:-1] > 0.4).sum())
    assert window.bar.threshold.value() == 0.4 and "predictive entropy" in window.bar.threshold.toolTip()


def test_a_score_that_one_answer_has_not_got_fills_nothing_and_is_said(open_window: Opener) -> None:
    open_window.around.decided = ("mutual_information", 7.0)
    window = open_window("plain", *PICTURES)
    assert window.cases.score == "max_probability" and window.cases.uncertainties is not None
    assert window.bar.threshold.value() != 7.0 and window.cases.threshold == window.cases.proposed_threshold()
    said = window.messages.message()
    assert "mutual information" in said and "predictive entropy" in said and "One note." in said
    press(open_window, window, "message_action")
    assert open_window.around.opened == ["/runs/plain"]


def test_what_is_no_more_to_be_had_leaves_the_threshold_to_the_proposal(open_window: Opener) -> None:
    open_window.around.decided = ("margin", 0.25)
    window = open_window("net", *PICTURES)
    assert window.cases.threshold == 0.25
    open_window.around.decided = ("variation_ratio", 0.5)
    window.add([MORE])
    open_window.settle()
    assert window.cases.threshold == window.cases.proposed_threshold() is not None
    assert window.cases.score == "mutual_information"


def test_a_person_s_threshold_stays_of_the_score_it_was_typed_for(open_window: Opener) -> None:
    open_window.around.decided = ("margin", 0.25)
    window = open_window("net", *PICTURES)
    field = window.findChild(NumberField, "predict_threshold")
    assert field is not None
    field.setFocus()
    field.selectAll()
    open_window.qtbot.keyClicks(field, "0.6")
    open_window.qtbot.keyClick(field, Qt.Key.Key_Return)
    window.add([MORE])
    open_window.settle()
    assert (window.cases.score, window.cases.threshold) == ("margin", 0.6)


def test_without_rows_the_threshold_is_grey_and_offers_files(open_window: Opener) -> None:
    window = open_window("net")
    for part in (window.bar.threshold, window.bar.kind):
        assert not part.isEnabled() and reason_of(part) == "Nothing was answered yet."
    cure = cure_of(window.bar.threshold)
    assert cure is not None and cure.text == "Choose files…"
    cure.deed()  # the program around answers with the pictures
    open_window.settle()
    assert len(window.cases) == len(PICTURES)
    assert window.bar.threshold.isEnabled() and window.bar.kind.isEnabled()
    press(open_window, window, "clear_inputs")
    open_window.settle()
    assert not window.bar.threshold.isEnabled() and not window.bar.kind.isEnabled()


def test_where_no_coverage_can_be_promised_it_can_be_asked_again(open_window: Opener) -> None:
    window = open_window("lost", *PICTURES)
    for part in (window.bar.kind, window.bar.slider):
        cure = cure_of(part)
        assert "data of the run is gone" in reason_of(part) and cure is not None
    before = len(open_window.engine.submitted)
    cure.deed()
    open_window.settle()
    assert len(open_window.engine.submitted) == before + 1
    assert "data of the run is gone" in reason_of(window.bar.kind)


def test_what_is_said_of_the_rows_goes_with_them(open_window: Opener, tmp_path: Path) -> None:
    window = open_window("net", *PICTURES)
    keeping = window.keeping
    assert isinstance(keeping, KeepingAt)
    keeping.file = tmp_path / "answers.csv"
    press(open_window, window, "predict_save")
    open_window.settle()
    assert "Saved." in window.messages.message()
    press(open_window, window, "clear_inputs")
    open_window.settle()
    assert window.messages.isHidden()
