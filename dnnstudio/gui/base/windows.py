"""One window per subject: an open window is raised instead of created again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


def in_front(main: QWidget) -> QWidget:
    """The window that a person is at, `main` or one of its own: what it asks is put on it, and gives it the keyboard
    back."""
    active = QApplication.activeWindow()
    above = active
    while above is not None and above is not main:
        above = above.parentWidget()
    return main if active is None or above is None else active


class Closable(Protocol):
    """A window with a signal `closed`, emitted once when it is closed; it may be deleted later."""

    @property
    def closed(self) -> Any: ...

    def setAttribute(self, attribute: Qt.WidgetAttribute, on: bool = ..., /) -> None: ...
    def show(self) -> None: ...
    def raise_(self) -> None: ...
    def activateWindow(self) -> None: ...
    def close(self) -> bool: ...


Key = TypeVar("Key", bound=Hashable)
Window = TypeVar("Window", bound=Closable)


class Windows(Generic[Key, Window]):
    """The open windows by subject. A closed one is deleted by Qt and removed here."""

    def __init__(self) -> None:
        self._windows: dict[Key, Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def __iter__(self) -> Iterator[Window]:
        return iter(tuple(self._windows.values()))

    def __contains__(self, key: Key) -> bool:
        return key in self._windows

    def get(self, key: Key) -> Window | None:
        """The open window for that subject."""
        return self._windows.get(key)

    def show(self, key: Key, make: Callable[[], Window]) -> Window:
        """Raise the window for that subject; `make` creates it if none is open."""
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = make()
            window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            window.closed.connect(lambda: self._windows.pop(key, None))
        window.show()
        window.raise_()
        window.activateWindow()
        return window

    def close_all(self) -> None:
        """Close every window."""
        for window in self:
            window.close()
