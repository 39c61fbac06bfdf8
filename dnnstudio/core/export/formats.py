"""The export formats of experiments and trained networks: one table for the command line, the dialogs and the checks.

A format's function is named, not imported, because those of networks need the engine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Exporter:
    """An export format. `name` is its name on the command line, `title` the label in dialogs, `suffix` the file suffix.

    `writer` is "module:function". If a network is needed, it is called like `engine.model_files.save_model`, with the
    model and the path, and returns the number of bytes written; else it is called with the experiment and its data
    summary and returns the file's text. `extra` names the optional dependency group (`pip install dnnstudio[…]`) that
    it requires. `on_command_line` is False for formats that only the window offers.
    """

    name: str
    suffix: str
    title: str
    writer: str
    needs_weights: bool
    extra: str = ""
    on_command_line: bool = True

    @property
    def filter(self) -> str:
        """The filter for Qt's file dialogs: "Keras model (*.keras)"."""
        return f"{self.title} (*{self.suffix})"

    def load(self) -> Callable[..., Any]:
        """Import the writer function. Raises `UserError` if its packages are not installed."""
        module, _, function = self.writer.partition(":")
        try:
            found: Callable[..., Any] = getattr(importlib.import_module(module), function)
        except ImportError:
            if not self.extra:
                raise
            raise UserError(
                f"{self.title} needs packages that are not installed.", f"Install dnnstudio[{self.extra}]."
            ) from None
        return found


_SAVE_MODEL = "dnnstudio.engine.model_files.writing:save_model"
_ROWS = (
    Exporter("python", ".py", "Python script", "dnnstudio.core.export.writing:to_script", needs_weights=False),
    Exporter(
        "notebook", ".ipynb", "Jupyter notebook", "dnnstudio.core.export.writing:to_notebook", needs_weights=False
    ),
    Exporter("keras", ".keras", "Keras model", _SAVE_MODEL, needs_weights=True),
    Exporter("h5", ".h5", "HDF5 model", _SAVE_MODEL, needs_weights=True),
    Exporter("weights", ".weights.h5", "Weights only", _SAVE_MODEL, needs_weights=True, on_command_line=False),
)
EXPORTERS: dict[str, Exporter] = {row.name: row for row in _ROWS}
"""Name → format, in the order of the menus."""


def exporters(*, needs_weights: bool) -> tuple[Exporter, ...]:
    """The formats for networks, or those for experiments, in menu order."""
    return tuple(row for row in EXPORTERS.values() if row.needs_weights is needs_weights)


def exporter_of(path: Path, *, needs_weights: bool) -> Exporter:
    """The format of a file name; if two match, the one with the longer suffix. Raises `UserError` if none does."""
    found = [row for row in exporters(needs_weights=needs_weights) if path.name.lower().endswith(row.suffix)]
    if found:
        return max(found, key=lambda row: len(row.suffix))
    endings = ", ".join(row.suffix for row in exporters(needs_weights=needs_weights))
    raise UserError(f"{path.name} does not say in which format to save.", f"End the name in {endings}.")


def exporter_of_filter(text: str, *, needs_weights: bool) -> Exporter:
    """The format whose filter was chosen in a file dialog; the first one if the dialog reports none."""
    formats = exporters(needs_weights=needs_weights)
    return next((row for row in formats if row.filter == text), formats[0])
