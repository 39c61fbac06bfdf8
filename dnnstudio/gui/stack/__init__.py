"""The layer stack: a card a layer, edited by pointer and by keyboard."""

from dnnstudio.gui.stack.view import LayerStackView

__all__ = ["LayerStackView"]
