"""Results of pretraining in the window: reconstructions, and the encoder's use in a classifier."""

from dnnstudio.gui.pretraining.controller import PretrainingController
from dnnstudio.gui.pretraining.window import ReconstructionsWindow

__all__ = ["PretrainingController", "ReconstructionsWindow"]
