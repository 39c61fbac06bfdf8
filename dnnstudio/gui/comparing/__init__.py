"""From scratch against transferred: the window that trains both over several seeds and shows what came out."""

from dnnstudio.gui.comparing.opening import ComparisonOpener
from dnnstudio.gui.comparing.window import ComparisonWindow

__all__ = ["ComparisonOpener", "ComparisonWindow"]
