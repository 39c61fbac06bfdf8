"""What the transfer dialog is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QWidget

from dnnstudio.core.data import DataSummary
from dnnstudio.core.experiment import Experiment
from dnnstudio.gui.engine_thread import Engine

Deed = Literal["apply", "train", "remove", "split"]


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """The document's experiment, what is known of its data, where it lies, and where trained models lie.

    `source` is the run folder or model file to begin with. `choose_file` asks for a model file.
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
    """The experiment as it shall be, and what shall be done: "train" is applied and trained.

    "split" asks for two tasks instead; the experiment is then the one before.
    """

    experiment: Experiment
    deed: Deed
