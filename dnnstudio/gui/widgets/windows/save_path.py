"""Asks where to save, for tables and plots that are handed no settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


class SavePlace:
    """Where these dialogs begin, and who is told where one ended: set once, by the main window."""

    def __init__(self) -> None:
        self.start: Callable[[], Path] = Path.home
        self.ended: Callable[[Path], None] = lambda folder: None


place = SavePlace()


def ask_save_path(parent: QWidget, suggestion: str, filters: str) -> str:
    """The path to write to, or ""."""
    name, _ = QFileDialog.getSaveFileName(parent, "Save", str(place.start() / suggestion), filters)
    if name:
        place.ended(Path(name).parent)
    return name
