"""Asks where to save, in both kinds of inspector."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from dnnstudio.gui.widgets.windows.save_path import ask_save_path

FILTERS = {"png": "Picture (*.png)", "svg": "Picture (*.svg)", "csv": "Table (*.csv)", "npz": "NumPy arrays (*.npz)"}
AskPath = Callable[[QWidget, str, str], str]


ask_path: AskPath = ask_save_path
