"""Input and output of the transfer dialog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.engine_thread import Engine

Deed = Literal["apply", "train", "remove", "split", "vary"]


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """The document's experiment, its data summary, its folder, and the workspace.

    `source` is the run folder or model file selected at first. `choose_file` asks for a model file.
    """

    experiment: Experiment
    summary: DataSummary | None
    document: Path | None
    workspace: Path
    engine: Engine
    choose_file: Callable[[QWidget], Path | None]
    source: Path | None = None
    training: bool = False


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """The resulting experiment, and what to do with it: "train" applies and trains it.

    "split" asks for two tasks instead; the experiment is then unchanged. "vary" applies it, and varies the field at the
    path `vary`.
    """

    experiment: Experiment
    deed: Deed
    vary: str = ""
