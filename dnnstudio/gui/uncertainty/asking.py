"""Asks where to save, in both kinds of inspector."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFileDialog, QWidget

FILTERS = {"png": "Picture (*.png)", "svg": "Picture (*.svg)", "csv": "Table (*.csv)", "npz": "NumPy arrays (*.npz)"}
AskPath = Callable[[QWidget, str, str], str]


def ask_path(parent: QWidget, suggestion: str, filters: str) -> str:
    """The path to write to, or ""."""
    name, _ = QFileDialog.getSaveFileName(parent, "Save", suggestion, filters)
    return name
