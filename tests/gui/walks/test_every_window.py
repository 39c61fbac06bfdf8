"""What holds for every window and dialog, walked over as they open: a new one is covered without being named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.gui.widgets import Card

from .access_checks import controls_out_of_reach, controls_without_name, faint_text, lines_told_apart_by_colour
from .every_window import BEHIND, fill_workspace, program
from .fitting import (
    beyond_the_screen,
    buttons_out_of_sight,
    cut_by_scroll_areas,
    feet_out_of_sight,
    open_after_escape,
    overlapping,
    squeezed_buttons,
)
from .further_windows import ASKED_BY_ACTIONS, all_questions, all_windows
from .greyed import grey_without_reason, press_without_answer, untold_to_the_keyboard
from .keyboard import keyboard_unseen, tab_kept
from .right_clicks import chosen_by_right_clicks, own_menu_hidden, without_copies
from .texts import cut_texts, texts_on_each_other

pytestmark = [pytest.mark.timeout(600), pytest.mark.display]
Found = dict[str, list[str]]
ESCAPE = "a window that Esc does not close"


def cards_without_text(window: QWidget) -> Iterator[str]:
    """Titled panels that "What is this?" says nothing of."""
    for card in window.findChildren(Card):
        if card.isVisible() and card.accessibleName() and not card.whatsThis():
            yield card.accessibleName()


CHECKS = {
    "a table or plot without Copy and Save": without_copies,
    "a menu that no right click opens": own_menu_hidden,
    "a right click that chooses something": chosen_by_right_clicks,
    "a panel without a word on what it is": cards_without_text,
    "a control without a name for screen readers": controls_without_name,
    "a control that no key reaches": controls_out_of_reach,
    "a grey button or menu entry that does not say why": grey_without_reason,
    "something grey that says nothing when it is pressed": press_without_answer,
    "something grey that the keyboard is not told of": untold_to_the_keyboard,
    "text of too little contrast": faint_text,
    "lines that differ by colour alone": lines_told_apart_by_colour,
    "a window beyond the screen": beyond_the_screen,
    "a button out of sight": buttons_out_of_sight,
    "a button smaller than its words": squeezed_buttons,
    "a button at the foot that is scrolled away": feet_out_of_sight,
    "something cut by its scroll area": cut_by_scroll_areas,
    "two widgets on each other": overlapping,
    "a text that is cut": cut_texts,
    "two texts on each other": texts_on_each_other,
    "a place of the keyboard that is not seen": keyboard_unseen,
    "a place that Tab does not leave": tab_kept,
    ESCAPE: open_after_escape,  # last: the window is gone then
}


@pytest.fixture(scope="module")
def found(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What each check found in each window, and under "windows" which were opened."""
    folder: Path = tmp_path_factory.mktemp("workspace")
    fill_workspace(folder)
    complaints: dict[str, list[str]] = defaultdict(list)

    def visit(name: str, widget: QWidget) -> None:
        for check, find in CHECKS.items():
            if check != ESCAPE or BEHIND not in name:
                complaints[check] += [f"{name}: {text}" for text in find(widget)]
        complaints["flashes"] += [f"{name}: {text}" for text in made.flashes.take()]

    with program(qapp, folder) as made:
        complaints["windows"] = made.visit_all(visit)
    return dict(complaints)


def test_the_walk_opens_every_window_of_the_program(found: Found) -> None:
    opened = {name.rpartition(" ")[2] for name in found["windows"]}
    assert opened >= all_windows(), f"not visited: {sorted(all_windows() - opened)}"


def test_the_walk_asks_every_question(found: Found) -> None:
    asked = {name.split(":")[0] for name in found["windows"]} | ASKED_BY_ACTIONS
    assert asked >= all_questions(), f"not asked: {sorted(all_questions() - asked)}"


def test_nothing_is_shown_before_it_is_inside_its_window(found: Found) -> None:
    assert not found["flashes"], "\n".join(found["flashes"])


@pytest.mark.parametrize("check", CHECKS)
def test_every_window_holds(found: Found, check: str) -> None:
    assert not found[check], "\n".join(found[check])


@pytest.mark.thorough
@pytest.mark.parametrize("choice", ["dark", "contrast"])
def test_every_window_can_be_read_in_the_other_themes(
    qapp: QApplication, tmp_path: Path, choice: Literal["dark", "contrast"]
) -> None:
    fill_workspace(tmp_path)
    faint: list[str] = []
    with program(qapp, tmp_path, choice) as made:
        made.visit_all(lambda name, widget: faint.extend(f"{name}: {text}" for text in faint_text(widget)))
    assert not faint, "\n".join(faint)
