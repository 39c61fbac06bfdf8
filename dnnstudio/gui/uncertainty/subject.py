"""Which network the inspector looks at, and on whose rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core import codec
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import DropoutLayer
from dnnstudio.core.runs import EXPERIMENT, MODEL, RunRecord


@dataclass(frozen=True, slots=True)
class Subject:
    """A model (a run id, an opened model's id or a path), the experiment whose rows it is shown, and its name."""

    model: str | Path
    experiment: Experiment
    title: str

    @property
    def has_dropout(self) -> bool:
        """Whether sampling can show anything."""
        layers = self.experiment.active_layers
        return any(isinstance(layer, DropoutLayer) and getattr(layer, "rate", 0) > 0 for layer in layers)


def subject_of(record: RunRecord | None, model: str | None, experiment: Experiment) -> Subject | None:
    """The chosen run if it has a network, else the model at hand with the document's experiment; None without either.

    Raises `UserError` for a run whose experiment cannot be read.
    """
    if record is not None and (record.folder / MODEL).is_file():
        title = f"run {record.number}, {record.name}" if record.number else record.name
        return Subject(record.folder, codec.load(record.folder / EXPERIMENT), title)
    if model is not None:
        return Subject(model, experiment, experiment.name)
    return None
