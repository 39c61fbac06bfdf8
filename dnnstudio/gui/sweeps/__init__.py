"""Sweeps: what is varied, the trials in processes beside the window, and the best of them."""

from dnnstudio.gui.sweeps.opening import SweepOpener

__all__ = ["SweepOpener"]
