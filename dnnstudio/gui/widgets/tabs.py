"""Tabs: labels above a rule, the current one underlined in the accent colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from dnnstudio.gui.base.shortcuts import EVERY_WINDOW, bind
from dnnstudio.gui.theme import set_state
from dnnstudio.gui.widgets.labels import rule
from dnnstudio.gui.widgets.windows import reading_order

GAP, NARROW_GAP, TIGHT_GAP = 20, 12, 6
"""Between two titles, as the stylesheet has it; the last where they would not fit otherwise."""
EDGES = 3
"""What Qt adds to the words of a title: its border, and up to a pixel by rounding."""
LETTERS = 13
"""Their size, as the stylesheet has it."""


class _Pages(QStackedWidget):
    """Requests the size of the visible page, not of the largest."""

    def sizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.sizeHint().expandedTo(page.minimumSize()) if page is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint().expandedTo(page.minimumSize()) if page is not None else super().minimumSizeHint()


class Tabs(QWidget):
    """A tab bar 36 px high above its pages. Pages are identified by name, never by position."""

    current_changed = Signal(str)

    def __init__(self, *, margin: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._margin = margin
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.bar = QTabBar()
        self.bar.setObjectName("tabs")
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setElideMode(Qt.TextElideMode.ElideNone)
        self.bar.setUsesScrollButtons(False)
        self.bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.bar.setFixedHeight(36)
        self.pages = _Pages()
        head = QVBoxLayout()
        head.setContentsMargins(margin, 0, margin, 0)
        head.addWidget(self.bar)
        column.addLayout(head)
        column.addWidget(rule())
        column.addWidget(self.pages, 1)
        self.bar.currentChanged.connect(self._on_changed)
        for keys, by in (("Ctrl+Tab", 1), ("Ctrl+Shift+Tab", -1)):  # whatever has the keyboard in the window
            bind(self, EVERY_WINDOW, keys, partial(self.step, by))

    def add(self, name: str, title: str, page: QWidget, *, tip: str = "") -> None:
        """Append a tab."""
        self._names.append(name)
        self.pages.addWidget(page)
        index = self.bar.addTab(title)
        self.bar.setTabToolTip(index, tip)
        self.bar.setAccessibleTabName(index, title)

    def add_later(self, name: str, title: str, make: Callable[[], QWidget], *, tip: str = "") -> None:
        """Append a tab whose page is made when it is first shown or asked for, so that the window opens sooner."""
        self._makers[name] = make
        self.add(name, title, QWidget(self.pages), tip=tip)

    def is_made(self, name: str) -> bool:
        """Whether the page is there already."""
        return name not in self._makers

    def _make(self, index: int) -> None:
        make = self._makers.pop(self._names[index], None)
        if make is None:
            return
        page, empty = make(), self.pages.widget(index)
        shown = self.pages.currentIndex() == index
        self.pages.insertWidget(index, page)
        if shown:
            self.pages.setCurrentIndex(index)
        if empty is not None:
            self.pages.removeWidget(empty)
            empty.deleteLater()

    def names(self) -> tuple[str, ...]:
        return tuple(self._names)

    def page(self, name: str) -> QWidget:
        """The page with that name, made if it is not yet. Raises `ValueError` for an unknown one."""
        self._make(self._names.index(name))
        found = self.pages.widget(self._names.index(name))
        assert found is not None  # names and pages are added together
        return found

    def current(self) -> str:
        """The name of the visible page, or ""."""
        index = self.bar.currentIndex()
        return self._names[index] if 0 <= index < len(self._names) else ""

    def set_current(self, name: str) -> None:
        self.bar.setCurrentIndex(self._names.index(name))

    def step(self, by: int) -> None:
        """Show the next tab in sight, or with -1 the one before; the first follows the last."""
        seen = [index for index in range(self.bar.count()) if self.bar.isTabVisible(index)]
        if self.bar.currentIndex() in seen:
            self._turn_to(seen[(seen.index(self.bar.currentIndex()) + by) % len(seen)])

    def _turn_to(self, index: int) -> None:
        """Show a tab; the keyboard that was on a page goes to where it was on this one, at first to what is read first:
        Qt takes what was made first."""
        inside = self.pages.isAncestorOf(self.focusWidget())
        self._make(index)
        page = self.pages.widget(index)
        new = page is not None and page.focusWidget() is None
        self.bar.setCurrentIndex(index)
        if inside and new and page is not None and (stops := reading_order.stops([page])):
            stops[0].setFocus(Qt.FocusReason.TabFocusReason)

    def set_visible(self, name: str, visible: bool) -> None:
        """Show or hide one tab."""
        self.bar.setTabVisible(self._names.index(name), visible)
        self._fit()

    def _fit(self) -> None:
        """Titles of which one would be cut off stand closer together; if that is not enough, in smaller letters."""
        font = self.bar.font()
        font.setPixelSize(LETTERS)
        metrics = QFontMetrics(font)
        titles = [self.bar.tabText(index) for index in range(self.bar.count()) if self.bar.isTabVisible(index)]
        gap = NARROW_GAP if self.bar.property("narrow") == "true" else GAP
        words, room = sum(metrics.horizontalAdvance(title) + EDGES for title in titles), self.width() - 2 * self._margin
        between = len(titles) - 1
        set_state(self.bar, "tight", words + gap * between > room)
        set_state(self.bar, "small", words + TIGHT_GAP * between > room)
        self._scroll_back()

    def _scroll_back(self) -> None:
        """Scroll the bar no further than the current tab needs: Qt leaves it scrolled when it has room again."""
        current = self.bar.currentIndex()
        with QSignalBlocker(self.bar):
            self.bar.setCurrentIndex(next((n for n in range(self.bar.count()) if self.bar.isTabVisible(n)), current))
            self.bar.setCurrentIndex(current)

    def _on_changed(self, index: int) -> None:
        if 0 <= index < self.pages.count():
            self._make(index)
            self.pages.setCurrentIndex(index)
            self.pages.updateGeometry()
            self.current_changed.emit(self._names[index])

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
