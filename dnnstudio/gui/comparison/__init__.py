"""The comparison window: trains from scratch and transferred over several seeds, and shows the difference."""

from dnnstudio.gui.comparison.opening import ComparisonOpener
from dnnstudio.gui.comparison.window import ComparisonWindow

__all__ = ["ComparisonOpener", "ComparisonWindow"]
