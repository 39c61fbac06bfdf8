"""The layer stack: one card per layer, edited by mouse and keyboard."""

from dnnstudio.gui.stack.view import LayerStackView

__all__ = ["LayerStackView"]
