"""The model library: every trained model of the workspace, what can be done with it, and two of them side by side."""

from dnnstudio.gui.library.controller import LibraryController

__all__ = ["LibraryController"]
