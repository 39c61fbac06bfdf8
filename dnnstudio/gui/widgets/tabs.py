"""Tabs: words over a rule, the chosen one underlined in the accent."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from dnnstudio.gui.widgets.labels import rule


class _Pages(QStackedWidget):
    """Asks for the room of the page in sight, not of the largest."""

    def sizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.sizeHint().expandedTo(page.minimumSize()) if page is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint().expandedTo(page.minimumSize()) if page is not None else super().minimumSizeHint()


class Tabs(QWidget):
    """A row of tabs 36 px high over their pages. Pages are known by name, never by position."""

    current_changed = Signal(str)

    def __init__(self, *, margin: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: list[str] = []
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

    def add(self, name: str, title: str, page: QWidget, *, tip: str = "") -> None:
        """One more tab at the end."""
        self._names.append(name)
        self.pages.addWidget(page)
        index = self.bar.addTab(title)
        self.bar.setTabToolTip(index, tip)
        self.bar.setAccessibleTabName(index, title)

    def names(self) -> tuple[str, ...]:
        return tuple(self._names)

    def page(self, name: str) -> QWidget:
        """The page of a name. Raises `ValueError` for an unknown one."""
        found = self.pages.widget(self._names.index(name))
        assert found is not None  # names and pages are added together
        return found

    def current(self) -> str:
        """The name of the page in sight, or an empty text."""
        index = self.bar.currentIndex()
        return self._names[index] if 0 <= index < len(self._names) else ""

    def set_current(self, name: str) -> None:
        self.bar.setCurrentIndex(self._names.index(name))

    def set_visible(self, name: str, visible: bool) -> None:
        """Show or hide one tab."""
        self.bar.setTabVisible(self._names.index(name), visible)

    def _on_changed(self, index: int) -> None:
        if 0 <= index < self.pages.count():
            self.pages.setCurrentIndex(index)
            self.pages.updateGeometry()
            self.current_changed.emit(self._names[index])
