"""The window's dialogs: files, confirmations, names. One object, so that a test can answer instead of a user."""

from dnnstudio.gui.dialogs.dialogs import Dialogs

__all__ = ["Dialogs"]
