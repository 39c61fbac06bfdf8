"""The layer stack by itself: `python -m dnnstudio.gui.stack [RECIPE]`."""

import sys

from dnnstudio.gui.panels.alone import show_alone
from dnnstudio.gui.stack import LayerStackView

if __name__ == "__main__":
    sys.exit(show_alone(LayerStackView, 344))
