"""The window of new cases with invented answers: what is given, shown, judged and saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFont, QFontMetrics
from PySide6.QtWidgets import QLineEdit

from dnnstudio.core.jobs.cases import (
    AnswerCases,
    Answering,
    CalibrateAnswers,
    CopyPictures,
    DescribeNetwork,
    SaveAnswers,
)
from dnnstudio.gui.predict.subjects import Network
from dnnstudio.gui.predict.window import PredictWindow
from dnnstudio.gui.widgets import ComboBox, NumberField

from ..fake_cases import CLASSES
from .kit import PICTURES, KeepingAt, Opener, press, words

# ---------------------------------------------------------------------------------------------------------- giving


def test_facts_then_answers_then_the_calibration_are_asked(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    kinds = [type(job) for job in open_window.engine.submitted]
    assert kinds == [DescribeNetwork, AnswerCases, CalibrateAnswers]
    by = Answering(model=Path("/runs/net"), samples=100)
    assert open_window.asked(AnswerCases)[0].by == by
    assert open_window.asked(CalibrateAnswers)[0].by == by
    assert len(window.cases) == 7
    assert words(window, "predict_words") == "6 answered, 1 without an answer"


def test_dropped_files_light_the_bar_up_and_are_answered(open_window: Opener) -> None:
    window = open_window()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in PICTURES[:2]])
    at, buttons, keys = QPoint(40, 40), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(at, Qt.DropAction.CopyAction, mime, buttons, keys)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    window.dropEvent(QDropEvent(QPointF(at), Qt.DropAction.CopyAction, mime, buttons, keys))
    open_window.settle()
    assert window.asking.inputs == PICTURES[:2]
    assert len(window.list.rows.order) == 2


def test_more_files_are_answered_in_one_order_with_those_before(open_window: Opener) -> None:
    window = open_window("net", PICTURES[0])
    window.cases.correct(0, "pig")
    window.add((PICTURES[0], PICTURES[1]))
    open_window.settle()
    assert open_window.asked(AnswerCases)[-1].inputs == PICTURES[:2]
    assert [window.cases.name(place) for place in range(2)] == ["file 0.png", "file 1.png"]
    assert window.cases.corrected == {0: "pig"}
    assert window.messages.message() == "file 0.png is there. It is answered already."
    press(open_window, window, "clear_inputs")
    assert len(window.cases) == 0
    assert window.cases.corrected == {}


def test_copied_rows_are_pasted_into_the_window(open_window: Opener) -> None:
    window = open_window("table")
    open_window.around.clipboard = (Path("/data/pasted 3.csv"),)
    open_window.qtbot.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    open_window.settle()
    assert len(window.cases) == 3
    assert window.cases.name(2) == "pasted 3.csv, row 3"


def test_rows_are_shown_as_they_come_and_a_stop_keeps_them(open_window: Opener) -> None:
    window = open_window("table")
    open_window.engine._timer.setInterval(30)
    window.add((Path("/data/many 4000.csv"),))
    open_window.qtbot.waitUntil(lambda: len(window.list.rows.order) > 0)
    assert window.asking.busy
    press(open_window, window, "predict_stop")
    open_window.engine._timer.setInterval(0)
    open_window.settle()
    assert 0 < len(window.cases) < 4000
    assert len(open_window.asked(CalibrateAnswers)) == 1


def test_a_network_that_cannot_be_asked_says_why(open_window: Opener) -> None:
    window = open_window("refused", *PICTURES)
    assert "This network cannot be asked." in window.messages.message()
    assert words(window, "answer_nothing") == "This network cannot be asked."
    assert open_window.asked(AnswerCases) == []


def test_while_the_engine_is_at_something_else_the_window_says_so(open_window: Opener) -> None:
    open_window.engine._timer.stop()
    network = Network(Path("/runs/net"), "net")
    window = open_window.show(network)
    assert words(window, "answer_nothing").startswith("The engine is at something else")
    window.add(PICTURES)
    open_window.engine._timer.start()
    open_window.settle()
    assert len(window.cases) == 7


def test_closing_ends_what_is_under_way(open_window: Opener) -> None:
    window = open_window("table")
    open_window.engine._timer.setInterval(30)
    window.add((Path("/data/many 4000.csv"),))
    closed: list[bool] = []
    window.closed.connect(lambda: closed.append(True))
    window.close()
    open_window.engine._timer.setInterval(0)
    open_window.settle()
    assert closed == [True]
    assert open_window.engine.tickets[-1].control.stopped


# ------------------------------------------------------------------------------------------------------ the network


def test_another_network_and_other_weights_answer_the_same_files(open_window: Opener) -> None:
    open_window.around.found = (Network(Path("/runs/plain"), "plain", 4),)
    window = open_window("net", *PICTURES)
    combo = window.findChild(ComboBox, "predict_network")
    assert combo is not None
    combo.choose("/runs/plain")
    open_window.settle()
    assert open_window.asked(AnswerCases)[-1].by == Answering(model=Path("/runs/plain"), weights="best")
    weights = window.findChild(ComboBox, "predict_weights")
    assert weights is not None
    assert [choice.label for choice in weights.choices()] == ["best of epoch 4", "last weights"]
    weights.choose("last")
    open_window.settle()
    assert open_window.asked(AnswerCases)[-1].by.weights == "last"
    assert not window.bar.passes.isEnabled()
    assert len(window.cases) == 7


def test_another_number_of_passes_asks_for_answers_and_calibration_anew(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    field = window.findChild(NumberField, "predict_passes")
    assert field is not None
    field.setFocus()
    field.selectAll()
    open_window.qtbot.keyClicks(field, "7")
    open_window.qtbot.keyClick(field, Qt.Key.Key_Return)
    open_window.settle()
    assert [job.by.samples for job in open_window.asked(AnswerCases)] == [100, 7]
    assert [job.by.samples for job in open_window.asked(CalibrateAnswers)] == [100, 7]


# ------------------------------------------------------------------------------------------- promise and threshold


def test_the_coverage_slider_needs_no_engine(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    before, sets = len(open_window.engine.submitted), [window.cases.members(place) for place in range(6)]
    window.bar.slider.setValue(600)
    open_window.qtbot.waitUntil(lambda: words_of_share(window) == "60\N{NO-BREAK SPACE}%")
    after = [window.cases.members(place) for place in range(6)]
    assert sum(map(len, after)) < sum(map(len, sets))
    assert len(open_window.engine.submitted) == before
    assert "Set of 60" in window.list.heads.buttons["set"].text()


def words_of_share(window: PredictWindow) -> str:
    return window.bar.share.text()


def test_the_threshold_is_proposed_by_the_calibration_until_a_person_sets_it(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    proposed = float(np.quantile(np.linspace(0.0, 0.4, 41), 0.9))
    assert window.cases.threshold == pytest.approx(proposed)
    field = window.findChild(NumberField, "predict_threshold")
    assert field is not None
    assert field.value() == pytest.approx(proposed)
    field.setFocus()
    field.selectAll()
    open_window.qtbot.keyClicks(field, "0.001")
    open_window.qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.cases.threshold == 0.001
    assert window.cases.counts()["ask"] == 6
    assert window.list.states.button("ask").text() == "Ask a person 6"


def test_the_threshold_of_the_decision_tab_is_taken(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    press(open_window, window, "predict_decision")
    assert open_window.around.opened == ["/runs/net"]
    open_window.around.decided = ("margin", 0.25)
    press(open_window, window, "predict_decision")
    assert (window.cases.score, window.cases.threshold) == ("margin", 0.25)
    open_window.around.decided = ("variation_ratio", 0.25)
    press(open_window, window, "predict_decision")
    assert "have not got the score" in window.messages.message()
    assert window.cases.score == "margin"


def test_without_the_run_s_data_no_coverage_is_promised_and_the_answers_stand(open_window: Opener) -> None:
    window = open_window("lost", *PICTURES)
    assert "No coverage can be promised: The data of the run is gone." in window.messages.message()
    assert not window.bar.slider.isEnabled()
    assert window.cases.threshold is None
    assert len(window.list.rows.order) == 7


# ---------------------------------------------------------------------------------------------------------- judging


def test_the_filters_search_and_sort(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    press(open_window, window, "segment_failed")
    assert [window.cases.name(place) for place in window.list.rows.order] == ["broken.png"]
    assert words(window, "case_headline") == "This could not be answered."
    assert words(window, "case_second") == "Could not be read: damaged."
    assert not window.side.passes.isVisible()
    press(open_window, window, "segment_all")
    search = window.findChild(QLineEdit, "answer_search")
    assert search is not None
    search.setText("file 2")
    open_window.qtbot.waitUntil(lambda: len(window.list.rows.order) == 1)
    search.clear()
    open_window.qtbot.waitUntil(lambda: len(window.list.rows.order) == 7)
    press(open_window, window, "head_uncertainty")
    uncertainties = window.cases.uncertainties
    assert uncertainties is not None
    assert (np.diff(uncertainties[window.list.rows.order[:6]]) <= 0).all()
    window.list.said.choose("owl")
    assert {window.cases.answer(place) for place in window.list.rows.order.tolist()} <= {"owl"}


def test_a_person_corrects_in_the_menu_in_the_row_and_confirms(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    window.list.select(0)
    said = window.cases.answer(0)
    menu = window.side.case.correct.menu()
    assert menu is not None
    other = next(action for action in menu.actions() if action.text() not in ("", said))
    other.trigger()
    assert window.cases.corrected == {0: other.text()}
    assert words(window, "case_ask") == f"A person said {other.text()}."
    window.list.select(1)
    window.list.edit()
    editor = window.list.view.findChild(ComboBox, "correct_editor")
    assert editor is not None
    assert editor.value() == window.cases.answer(1)
    wanted = next(name for name in CLASSES if name != window.cases.answer(1))
    editor.choose(wanted)
    assert window.cases.corrected[1] == wanted
    window.list.select(2)
    press(open_window, window, "case_right")
    assert window.cases.confirmed == {2}
    assert words(window, "case_ask") == "A person found it right."


def test_a_number_is_corrected_by_typing(open_window: Opener) -> None:
    window = open_window("number", Path("/data/rows 5.csv"))
    window.list.select(2)
    press(open_window, window, "case_correct")
    editor = window.list.view.findChild(NumberField, "correct_editor")
    assert editor is not None
    editor.selectAll()
    open_window.qtbot.keyClicks(editor, "12.5")
    open_window.qtbot.keyClick(editor, Qt.Key.Key_Return)
    open_window.qtbot.waitUntil(lambda: window.cases.corrected == {2: 12.5})


def test_the_chosen_case_is_shown_with_its_passes(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    window.list.select(1)
    values = window.cases.blocks[0].values[1]
    winner = CLASSES[int(values.argmax())]
    assert words(window, "case_headline").startswith(f"{winner}, {values.max() * 100:.0f}\N{NO-BREAK SPACE}%")
    rows = window.side.passes.rows.rows()
    assert rows[0].name == winner
    assert rows[0].mean == pytest.approx(values.max(), abs=1e-6)
    press(open_window, window, "case_after")
    assert window.list.place == 2


# ----------------------------------------------------------------------------------------------------------- saving


def test_all_answers_are_saved_whatever_is_shown(open_window: Opener, tmp_path: Path) -> None:
    window = open_window("net", *PICTURES)
    keeping = window.keeping
    assert isinstance(keeping, KeepingAt)
    keeping.file = tmp_path / "answers"
    window.cases.correct(4, "pig")
    window.list.show_state("failed")
    press(open_window, window, "predict_save")
    open_window.settle()
    job = open_window.asked(SaveAnswers)[0]
    assert job.path == tmp_path / "answers.csv"
    assert sum(map(len, job.blocks)) == 7
    assert job.corrected == {4: "pig"}
    assert list(job.table.columns)[-3:] == ["error", "ask_a_person", "corrected"]
    np.testing.assert_array_equal(job.referred, window.cases.asked)
    assert job.calibration is not None
    assert "Saved. 7 rows in " in window.messages.message()


def test_answers_are_looked_for_beside_what_was_answered(open_window: Opener, tmp_path: Path) -> None:
    window = open_window("net", tmp_path / "file 1.png")
    assert window.keeping.start_folder() == tmp_path
    assert open_window("net", *PICTURES).keeping.start_folder() == Path.home()  # their folder is gone


def test_pictures_of_the_list_are_copied_by_answer(open_window: Opener, tmp_path: Path) -> None:
    window = open_window("net", *PICTURES)
    keeping = window.keeping
    assert isinstance(keeping, KeepingAt)
    keeping.folder = tmp_path
    window.cases.correct(0, "pig")
    press(open_window, window, "predict_copy")
    open_window.settle()
    pictures = open_window.asked(CopyPictures)[0].pictures
    assert pictures[0] == (PICTURES[0], "pig")
    assert [path for path, _ in pictures] == list(PICTURES[:6])
    assert "5 pictures below" in window.messages.message()
    assert "Not copied: file 0.png (not there)." in window.messages.message()


@pytest.mark.parametrize("model", ["net", "plain", "table", "number"])
@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_nothing_is_cut_at_either_size(open_window: Opener, model: str, size: tuple[int, int]) -> None:
    paths = (Path("/data/rows 50.csv"),) if model in ("table", "number") else PICTURES
    window = open_window(model, *paths, size=size)
    for part in (window.bar, window.list, window.side, window.foot, window.side.case.headline):
        assert part.width() >= part.minimumSizeHint().width(), part
        right = part.mapTo(window, QPoint(part.width(), 0)).x()
        assert right <= window.width()


def test_pictures_the_other_way_round_are_told_and_inverted_only_when_asked(
    open_window: Opener, tmp_path: Path
) -> None:
    papers = (Path("/new/paper 0.png"), Path("/new/paper 1.png"))
    window = open_window("net", PICTURES[0], *papers)
    assert window.messages.message() == "2 pictures are dark on light; the network learnt light on dark."
    assert [job.by.invert for job in open_window.asked(AnswerCases)] == [False]
    assert isinstance(window.keeping, KeepingAt)
    window.keeping.file = tmp_path / "answers.csv"
    press(open_window, window, "predict_save")  # its message leaves the choice where it was
    open_window.settle()
    assert window.messages.message().startswith("Saved.")
    press(open_window, window, "message_action")
    open_window.settle()
    assert [job.by.invert for job in open_window.asked(AnswerCases)] == [False, True]
    assert window.messages.message() == "2 pictures dark on light were inverted."
    press(open_window, window, "message_action")
    open_window.settle()
    assert not open_window.asked(AnswerCases)[-1].by.invert


def test_other_files_and_another_network_are_not_inverted_unasked(open_window: Opener) -> None:
    window = open_window("net", Path("/new/paper 0.png"))
    press(open_window, window, "message_action")
    open_window.settle()
    press(open_window, window, "clear_inputs")
    assert not window.messages.isVisible()
    window.add((Path("/new/paper 1.png"),))
    open_window.settle()
    assert not open_window.asked(AnswerCases)[-1].by.invert
    press(open_window, window, "message_action")
    window.choose(Network(Path("/runs/other"), "other"))
    open_window.settle()
    assert not open_window.asked(AnswerCases)[-1].by.invert


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_a_date_of_the_chosen_row_is_written_whole(open_window: Opener, size: tuple[int, int]) -> None:
    window = open_window("table", Path("/data/rows 3.csv"), size=size)
    lines = window.side.case.lines
    words, bar = lines.widths()
    metrics = QFontMetrics(lines._theme.font(12, QFont.Weight.Medium))
    assert lines.width() - bar - words - 2 * 8 - 2 >= metrics.horizontalAdvance("2024-01-18")
    assert words >= metrics.horizontalAdvance("color")


@pytest.mark.parametrize("button", ["predict_copy", "predict_save"])
def test_a_second_press_does_not_end_what_is_being_written(open_window: Opener, tmp_path: Path, button: str) -> None:
    window = open_window("net", *PICTURES)
    assert isinstance(window.keeping, KeepingAt)
    window.keeping.folder, window.keeping.file = tmp_path, tmp_path / "answers.csv"
    kind = CopyPictures if button == "predict_copy" else SaveAnswers
    press(open_window, window, button)
    press(open_window, window, button)
    assert window.messages.message().startswith("The answers are still being written.")
    open_window.settle()
    assert len(open_window.asked(kind)) == 1
    press(open_window, window, button)
    open_window.settle()
    assert len(open_window.asked(kind)) == 2
