"""The window of all runs: a table by task that compares, searches, groups and keeps notes."""

from dnnstudio.gui.run_table.opening import RunTableOpener

__all__ = ["RunTableOpener"]
