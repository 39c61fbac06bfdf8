"""The window of a person's own data with an invented table: what is shown, what is chosen, what comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QToolButton

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.proposals import ColumnFacts, DataProposal, Reading, TableFindings
from dnnstudio.core.jobs.requests import ProposeData
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.data.door.choices import Choices
from dnnstudio.gui.data.door.consequences import class_shares
from dnnstudio.gui.data.door.grid import TableGrid
from dnnstudio.gui.data.door.heads import KIND, ROLE
from dnnstudio.gui.data.door.window import DoorWindow
from dnnstudio.gui.data.door.words import split_words
from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    made = FakeEngine()
    made.start()
    yield made
    made.shutdown()
    made.deleteLater()


class Opener:
    """Opens doors, and closes them at the end."""

    def __init__(self, qtbot: Any, theme: Theme, engine: FakeEngine) -> None:
        self._qtbot, self._theme, self._engine = qtbot, theme, engine
        self.doors: list[DoorWindow] = []

    def __call__(
        self, name: str = "flowers.csv", *, present: Experiment | None = None, size: tuple[int, int] = (1440, 900)
    ) -> DoorWindow:
        choices = Choices(paths=(Path("/data") / name,), seed=7)
        client = JobClient(self._engine)
        door = DoorWindow(self._theme, client, choices, present, keep_layers=present is not None)
        door.resize(*size)
        self.doors.append(door)
        with self._qtbot.waitExposed(door):
            door.show()
        self._qtbot.waitUntil(lambda: not client.busy)
        return door


@pytest.fixture
def open_door(qtbot: Any, theme: Theme, engine: FakeEngine) -> Iterator[Opener]:
    opener = Opener(qtbot, theme, engine)
    yield opener
    for door in opener.doors:
        door.close()
        door.deleteLater()


def test_the_split_says_what_decides_it() -> None:
    proposal = DataProposal(path=Path("/data"), experiment=None, summary=None)
    numbers = DataSummary((4,), (), False, (80, 20, 25))
    classes = DataSummary((4,), ("a", "b"), False, (80, 20, 25), (40, 40))
    assert split_words(replace(proposal, summary=numbers), 7) == "drawn by chance, seed 7"
    assert split_words(replace(proposal, summary=classes), 7) == "same class shares, seed 7"
    assert split_words(replace(proposal, summary=classes, given_parts=("test",)), 7) == "test rows given, seed 7"
    given = replace(proposal, summary=classes, given_parts=("validation", "test"))
    assert split_words(given, 7) == "as given in the files"


def test_classes_called_by_numbers_are_told_from_their_counts() -> None:
    shares = class_shares(DataSummary((4,), ("0", "1"), False, (80, 20, 25), (40, 40)), (2910, 90))
    assert [share.caption for share in shares] == ["0: 2,910", "1: 90"]


def said(door: DoorWindow) -> str:
    return f"{door.lead.text()} {door.said.text()}"


def press(qtbot: Any, door: DoorWindow, name: str) -> None:
    button = door.findChild(QAbstractButton, name)
    assert button is not None, name
    assert button.isEnabled(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def settle(qtbot: Any, door: DoorWindow, asked: int, engine: FakeEngine) -> None:
    """Wait for the answer to the question that makes them so many."""
    qtbot.waitUntil(lambda: len(engine.submitted) == asked and engine.tickets[-1].over)


def test_it_says_what_is_predicted_and_from_what(open_door: Opener) -> None:
    door = open_door()
    assert door.consequences.headline.text() == "Predicts flower from 4 inputs."
    assert said(door) == "Ready. 2 features, 1 target, 1 column left out."
    assert door.top.chips["separator"].text() == "comma"
    assert not door.top.chips["sheet"].isVisible()


def test_the_keyboard_is_at_the_button_that_takes_the_data(qtbot: Any, open_door: Opener) -> None:
    door = open_door()
    assert door.focusWidget() is door.use_button
    taken: list[bool] = []
    door.used.connect(lambda proposal, experiment, train: taken.append(train))
    qtbot.keyClick(door.use_button, Qt.Key.Key_Return)
    assert taken == [False]


def test_a_dropped_line_stands_in_its_place_with_its_reason(open_door: Opener) -> None:
    rows = open_door().grid.rows
    assert [row.line for row in rows.rows] == [2, 3, 4, 5]
    shown = rows.data(rows.index(2, 0))
    assert shown == "Dropped: 2 cells where 4 are expected. 3,7.1"
    assert rows.data(rows.index(1, 1), Qt.ItemDataRole.AccessibleTextRole) == "missing"


@pytest.mark.parametrize(("top", "menu"), [(ROLE, "role_menu"), (KIND, "kind_menu")])
def test_a_click_on_a_head_opens_its_menu(qtbot: Any, open_door: Opener, top: int, menu: str) -> None:
    heads = open_door().grid.heads
    place = QPoint(heads.sectionViewportPosition(1) + 20, top + 10)
    qtbot.mouseClick(heads.viewport(), Qt.MouseButton.LeftButton, pos=place)
    opened = QApplication.activePopupWidget()
    assert opened is not None
    assert opened.objectName() == menu
    opened.close()


def test_another_target_is_asked_for_and_the_old_one_becomes_a_feature(
    qtbot: Any, open_door: Opener, engine: FakeEngine
) -> None:
    door = open_door()
    action = next(a for a in door.grid.heads.role_menu(1).actions() if a.objectName() == "role_target")
    action.trigger()
    settle(qtbot, door, 2, engine)
    assert door.consequences.headline.text() == "Predicts length from 4 inputs."
    assert [facts.role for facts in door.grid.rows.columns] == ["ignored", "target", "feature", "feature"]


def test_without_a_target_it_says_what_is_missing_and_cannot_be_used(
    qtbot: Any, open_door: Opener, engine: FakeEngine
) -> None:
    door = open_door()
    door.choose_role("flower", "ignored")
    settle(qtbot, door, 2, engine)
    assert said(door) == "No column is the one to predict. Give one column the role Target."
    assert not door.use_button.isEnabled()
    assert not door.train_button.isEnabled()
    assert door.grid.rows.rowCount() == 4
    door.choose_role("flower", "target")
    settle(qtbot, door, 3, engine)
    assert door.use_button.isEnabled()


def test_keep_it_makes_a_feature_of_a_column_that_was_left_out(
    qtbot: Any, open_door: Opener, engine: FakeEngine
) -> None:
    door = open_door()
    link = next(b for b in door.findChildren(QAbstractButton, "note_action") if b.text() == "Keep it")
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    settle(qtbot, door, 2, engine)
    assert door.consequences.headline.text() == "Predicts flower from 5 inputs."


def test_a_way_of_reading_is_chosen_in_its_chip(qtbot: Any, open_door: Opener, engine: FakeEngine) -> None:
    door = open_door()
    door.choose_kind("colour", "text")
    menu = door.top.chips["separator"].menu()
    next(action for action in menu.actions() if action.objectName() == "separator_semicolon").trigger()
    settle(qtbot, door, 3, engine)
    job = engine.submitted[-1]
    assert isinstance(job, ProposeData)
    assert job.reading is not None
    assert job.reading.separator == "semicolon"
    assert job.reading.encoding is None
    assert job.columns == ()
    assert door.top.chips["separator"].text() == "semicolon"


def test_empty_cells_are_dealt_with_in_the_menu_of_kinds(qtbot: Any, open_door: Opener, engine: FakeEngine) -> None:
    door = open_door()
    actions = {action.objectName(): action for action in door.grid.heads.kind_menu(1).actions()}
    assert {name for name in actions if name.startswith("missing")} == {
        "missing_median",
        "missing_drop_rows",
        "missing_refuse",
    }
    actions["missing_drop_rows"].trigger()
    settle(qtbot, door, 2, engine)
    job = engine.submitted[-1]
    assert isinstance(job, ProposeData)
    assert [(change.name, change.missing) for change in job.columns] == [("length", "drop_rows")]
    names = [action.objectName() for action in door.grid.heads.kind_menu(2).actions()]
    assert not any(name.startswith("missing") for name in names)


def test_another_split_is_asked_for(qtbot: Any, open_door: Opener, engine: FakeEngine) -> None:
    door = open_door()
    menu = door.consequences.split_button.menu()
    next(action for action in menu.actions() if action.objectName() == "split_70").trigger()
    settle(qtbot, door, 2, engine)
    job = engine.submitted[-1]
    assert isinstance(job, ProposeData)
    assert job.test_share == 0.15
    assert (1 - job.test_share) * job.validation_share == pytest.approx(0.15, abs=1e-4)


def test_what_cannot_be_read_is_said_and_can_be_read_otherwise(open_door: Opener) -> None:
    door = open_door("broken.csv")
    assert door.pages.currentWidget().objectName() == "door_message"
    assert "one column only" in door.message.text()
    assert not door.use_button.isEnabled()
    assert door.top.chips["separator"].isVisible()
    assert door.top.chips["encoding"].isVisible()


@pytest.mark.parametrize(("button", "train"), [("door_use", False), ("door_train", True)])
def test_using_gives_the_experiment_once_and_closes(qtbot: Any, open_door: Opener, button: str, train: bool) -> None:
    door = open_door()
    given: list[tuple[DataProposal, Experiment, bool]] = []
    door.used.connect(lambda *found: given.append(found))
    with qtbot.waitSignal(door.closed):
        press(qtbot, door, button)
    assert [(found[1].name, found[2]) for found in given] == [("flowers", train)]
    assert given[0][1].seed == 7


def test_own_layers_can_stay_and_only_the_output_follows(qtbot: Any, open_door: Opener) -> None:
    layers = (Dense(id="mine", units=5), Dense(id="out", units=10, activation="softmax"))
    door = open_door(present=Experiment(name="mine", layers=layers))
    assert door.network.choice.isVisible()
    experiment = door.experiment
    assert experiment is not None
    assert [(layer.id, layer.units, layer.activation) for layer in experiment.layers] == [
        ("mine", 5, layers[0].activation),
        ("out", 1, "sigmoid"),
    ]
    qtbot.mouseClick(door.network.choice.findChild(QToolButton, "segment_new"), Qt.MouseButton.LeftButton)
    assert door.experiment is not None
    assert [layer.id for layer in door.experiment.layers] == ["dense_1", "dense_2", "output"]


def test_the_heads_are_used_by_the_keyboard_alone(qtbot: Any, open_door: Opener, engine: FakeEngine) -> None:
    heads = open_door().grid.heads
    heads.setFocus()
    qtbot.keyClick(heads, Qt.Key.Key_Right)
    qtbot.keyClick(heads, Qt.Key.Key_Return)
    menu = QApplication.activePopupWidget()
    assert menu is not None
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(engine.submitted) == 2)
    job = engine.submitted[-1]
    assert isinstance(job, ProposeData)
    assert [(change.name, change.role) for change in job.columns] == [("length", "target")]


def test_what_the_file_leaves_open_is_asked_and_can_be_answered_anew(qtbot: Any, open_door: Opener) -> None:
    door = open_door("arrays.npz")
    assert set(door.questions.lists) == {"x_train", "y_train"} and door.questions.isVisible()
    assert not door.use_button.isEnabled() and "Which array" in said(door)
    for field, value in (("x_train", "left"), ("y_train", "kind")):
        door.questions.lists[field].chosen.emit(value)
        qtbot.waitUntil(lambda: not door.client.busy)
    assert door.use_button.isEnabled() and door.experiment is not None
    assert door.experiment.data.source.x_train == "left"
    door.questions.lists["x_train"].chosen.emit("right")
    qtbot.waitUntil(lambda: not door.client.busy)
    assert door.experiment.data.source.x_train == "right"
    door.show_data(Choices(paths=(Path("/data/flowers.csv"),), seed=7))
    qtbot.waitUntil(lambda: not door.client.busy)
    assert not door.questions.isVisible()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_nothing_is_cut_off(open_door: Opener, size: tuple[int, int]) -> None:
    door = open_door(size=size)
    for button in door.findChildren(QAbstractButton):
        if button.isVisible() and button.text() and not button.visibleRegion().isEmpty():
            needed = button.fontMetrics().horizontalAdvance(button.text())
            assert button.width() >= needed, button.text()
    assert door.minimumSizeHint().width() <= 1024
    assert door.grid.heads.length() <= door.grid.viewport().width()


def test_escape_changes_nothing(qtbot: Any, open_door: Opener) -> None:
    door = open_door()
    given: list[object] = []
    door.used.connect(lambda *found: given.append(found))
    with qtbot.waitSignal(door.closed):
        qtbot.keyClick(door, Qt.Key.Key_Escape)
    assert given == []


@pytest.mark.parametrize("target", [0, 150, 299])
@pytest.mark.parametrize("width", [600, 1100])
def test_the_column_to_predict_is_in_sight_however_many_there_are(
    qtbot: Any, theme: Theme, target: int, width: int
) -> None:
    columns = tuple(
        ColumnFacts(
            name=f"x{place}", role="target" if place == target else "feature", kind="number", reason="Numbers.",
            different=9, missing=0,
        )
        for place in range(300)
    )  # fmt: skip
    table = TableFindings(
        file="text", reading=Reading(), sheets=(), rows=1, width=300, place="line", columns=columns, lines=(2,),
        cells=(("1",) * 300,),
    )  # fmt: skip
    grid = TableGrid(theme)
    qtbot.addWidget(grid)
    grid.resize(900, 400)
    grid.show_table(table, ())
    with qtbot.waitExposed(grid):
        grid.show()
    grid.resize(width, 400)
    left = grid.columnViewportPosition(target)
    assert left >= 0 and left + grid.columnWidth(target) <= grid.viewport().width()
