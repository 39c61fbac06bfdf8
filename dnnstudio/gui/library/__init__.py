"""The model library: every trained model of the workspace, the commands on models, and the comparison of two."""

from dnnstudio.gui.library.controller import LibraryController

__all__ = ["LibraryController"]
