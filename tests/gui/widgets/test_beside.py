"""Two windows of one kind do not open on each other."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint

from dnnstudio.gui.widgets.windows.dialog import Window

pytestmark = pytest.mark.display


class Here(Window):
    pass


class There(Window):
    pass


def shown(qtbot: Any, kind: type[Window], at: QPoint | None = None) -> Window:
    window = kind()
    qtbot.addWidget(window)
    window.resize(300, 200)
    if at is not None:
        window.move(at)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_a_second_window_of_a_kind_opens_beside_the_first_and_a_third_beside_both(qtbot: Any) -> None:
    first = shown(qtbot, Here, QPoint(60, 50))
    second, third = shown(qtbot, Here), shown(qtbot, Here)
    assert (second.pos() - first.pos(), third.pos() - second.pos()) == (QPoint(28, 28), QPoint(28, 28))


def test_from_the_corner_of_the_screen_it_goes_on_at_the_other(qtbot: Any) -> None:
    area = shown(qtbot, There).screen().availableGeometry()
    kind = type("Many", (Window,), {})
    windows = [shown(qtbot, kind, area.bottomRight() - QPoint(360, 260))]
    windows += [shown(qtbot, kind) for _ in range(8)]
    places = {(one.pos().x(), one.pos().y()) for one in windows}
    assert len(places) == 9
    assert all(area.contains(one.geometry()) for one in windows)


def test_it_stays_on_the_screen(qtbot: Any) -> None:
    first = shown(qtbot, Here, QPoint(60, 50))
    area = first.screen().availableGeometry()
    first.move(area.bottomRight() - QPoint(300, 200))
    assert area.contains(shown(qtbot, Here).geometry())


def test_where_it_was_put_it_stays_whatever_stands_there(qtbot: Any) -> None:
    first = shown(qtbot, Here, QPoint(60, 50))
    assert shown(qtbot, Here, QPoint(60, 50)).pos() == first.pos()
    other = shown(qtbot, There)
    assert other.pos() != first.pos() + QPoint(28, 28)  # another kind has its own place
