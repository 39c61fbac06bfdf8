"""The uncertainty inspector: what a network says of every image under dropout, and what follows from it."""

from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog
from dnnstudio.gui.uncertainty.opening import UncertaintyOpener
from dnnstudio.gui.uncertainty.subject import Subject, subject_of

__all__ = ["Subject", "UncertaintyDialog", "UncertaintyOpener", "subject_of"]
