"""One experiment with several seeds: asking, training in child processes, and showing mean and spread."""

from dnnstudio.gui.repeats.controller import RepeatController

__all__ = ["RepeatController"]
