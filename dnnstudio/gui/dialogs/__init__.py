"""What the window asks: files, yes or no, a name. One object, so that a test can answer in a person's place."""

from dnnstudio.gui.dialogs.dialogs import Dialogs

__all__ = ["Dialogs"]
