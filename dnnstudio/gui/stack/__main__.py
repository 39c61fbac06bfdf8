"""Shows the layer stack alone: `python -m dnnstudio.gui.stack [RECIPE]`."""

import sys

from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.widgets.alone import show_alone

if __name__ == "__main__":
    sys.exit(show_alone(LayerStackView, 344))
