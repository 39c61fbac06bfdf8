"""The export formats of experiments and trained networks: one table for the command line, the dialogs and the checks.

A format's function is named, not imported, because those of networks need the engine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core.errors import Code, UserError


@dataclass(frozen=True, slots=True)
class Exporter:
    """An export format. `name` is its name on the command line, `title` the label in dialogs, `suffix` the file suffix.

    `writer` is "module:function". If a network is needed, it is called like `engine.model_files.save_model`, with the
    model and the path, and returns the number of bytes written; else it is called with the experiment and its data
    summary and returns the file's text. `extra` names the optional dependency group (`pip install dnnstudio[…]`) that
    it requires. `on_command_line` is False for formats that only the window offers.

    A format with a `runtime`, "module:function", is run after writing: `writer` is then called with what
    `engine.exporting.network` describes and the path, and `runtime` with the path; it returns the name of the program
    that runs the file, and a function of rows. `runtime_extra` is what to install for that. A format `of_run` is made
    of a run's whole folder. `audience` says for whom the format is.
    """

    name: str
    suffix: str
    title: str
    writer: str
    needs_weights: bool
    extra: str = ""
    on_command_line: bool = True
    audience: str = ""
    runtime: str = ""
    runtime_extra: str = ""
    of_run: bool = False

    @property
    def filter(self) -> str:
        """The filter for Qt's file dialogs: "Keras model (*.keras)"."""
        return f"{self.title} (*{self.suffix})"

    def load(self) -> Callable[..., Any]:
        """Import the writer function. Raises `UserError` if its packages are not installed."""
        try:
            return _imported(self.writer)
        except ImportError:
            if not self.extra:
                raise
            raise UserError(
                f"{self.title} needs packages that are not installed.",
                f"Install dnnstudio[{self.extra}].",
                code=Code.EXTRA_MISSING,
            ) from None

    def load_runtime(self) -> Callable[..., Any]:
        """Import the function that opens a written file. It raises `ImportError` where its program is missing."""
        return _imported(self.runtime)


def _imported(place: str) -> Callable[..., Any]:
    module, _, function = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


_SAVE_MODEL = "dnnstudio.engine.model_files.writing:save_model"
_EXPORTING = "dnnstudio.engine.exporting"
_ROWS = (
    Exporter(
        "python",
        ".py",
        "Python script",
        "dnnstudio.core.export.writing:to_script",
        needs_weights=False,
        audience="For whoever goes on in Python: the network and its training in plain Keras.",
    ),
    Exporter(
        "notebook",
        ".ipynb",
        "Jupyter notebook",
        "dnnstudio.core.export.writing:to_notebook",
        needs_weights=False,
        audience="For teaching and trying: the script, part by part.",
    ),
    Exporter(
        "keras",
        ".keras",
        "Keras model",
        _SAVE_MODEL,
        needs_weights=True,
        audience="For Keras 3, to predict and to train on.",
    ),
    Exporter("h5", ".h5", "HDF5 model", _SAVE_MODEL, needs_weights=True, audience="For Keras 2 and older programs."),
    Exporter("weights", ".weights.h5", "Weights only", _SAVE_MODEL, needs_weights=True, on_command_line=False),
    Exporter(
        "onnx",
        ".onnx",
        "ONNX",
        f"{_EXPORTING}.onnx.writing:save_onnx",
        needs_weights=True,
        extra="export",
        audience="For the web, C++, C# and servers: ONNX Runtime runs it everywhere.",
        runtime=f"{_EXPORTING}.onnx.writing:open_onnx",
        runtime_extra="onnxruntime",
    ),
    Exporter(
        "tflite",
        ".tflite",
        "LiteRT",
        f"{_EXPORTING}.litert:save_litert",
        needs_weights=True,
        audience="For phones and small devices (TensorFlow Lite).",
        runtime=f"{_EXPORTING}.litert:open_litert",
    ),
    Exporter(
        "savedmodel",
        "",
        "TensorFlow SavedModel",
        f"{_EXPORTING}.saved_model:save_saved_model",
        needs_weights=True,
        audience="For TensorFlow Serving and Java: a folder.",
        runtime=f"{_EXPORTING}.saved_model:open_saved_model",
    ),
    Exporter(
        "report",
        ".html",
        "Report",
        "dnnstudio.report.page:render",
        needs_weights=True,
        audience="For the file and for others to read: one page (or a PDF) with figures, curves and limits.",
        of_run=True,
    ),
    Exporter(
        "bundle",
        ".dnnstudio",
        "Bundle",
        "dnnstudio.engine.exporting.bundle:write_bundle",
        needs_weights=True,
        audience="For another person with this program: a run in one file that proves itself there.",
        of_run=True,
    ),
)
EXPORTERS: dict[str, Exporter] = {row.name: row for row in _ROWS}
"""Name → format, in the order of the menus."""


def exporters(*, needs_weights: bool) -> tuple[Exporter, ...]:
    """The formats in which a network is kept, or those of an experiment's code, in menu order.

    Formats of other programs, which have a runtime, are none of them: they are written by a job of their own.
    """
    return tuple(
        row for row in EXPORTERS.values() if row.needs_weights is needs_weights and not (row.runtime or row.of_run)
    )


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
