"""A network in memory, and how it comes there from a run folder or a model file.

Nothing heavy is imported before a network is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core import codec
from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.runs import CHECKPOINT, EXPERIMENT, MODEL, is_run
from dnnstudio.core.trained_with import TrainedWith


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A network in memory: a Keras model, the experiment that its layers belong to, and its input's shape."""

    model: Any
    experiment: Experiment
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()
    has_experiment: bool = True
    trained_with: TrainedWith | None = None


def read_model_at(path: Path, *, layers_of: Experiment | None = None, control: Control | None = None) -> LiveModel:
    """The network of a run folder (its last weights) or of a model file.

    A run whose program was cut off has left no model, but a checkpoint: its best weights are read.

    A `.weights.h5` file holds no layers; they are those of `layers_of`, where the data tells the input's shape.
    Raises `UserError` and `Cancelled`.
    """
    from dnnstudio.engine.build import build
    from dnnstudio.engine.model_files import put_weights, read_model

    known: Experiment | None = None
    file = path
    if path.is_dir():
        if not is_run(path):
            raise UserError(f"{path} holds no run.", f"A run folder has an {EXPERIMENT} in it.")
        known, file = codec.load(path / EXPERIMENT), path / MODEL
        if not file.exists() and (path / CHECKPOINT).is_dir():
            return _read_checkpoint_at(path, control)
        if not file.exists():
            raise UserError(f"The run in {path} has no model yet.", "Resume it, or let it finish.")
    if layers_of is not None and is_weights_file(file):
        return _read_weights_at(file, layers_of, control)
    contents = read_model(file, control=control)
    experiment = known or contents.experiment
    has_experiment = experiment is not None
    if experiment is None:
        experiment = Experiment(name=path.stem[:200], layers=contents.layers)
    model = build(experiment, contents.input_shape)
    put_weights(model, contents.arrays)
    trained = TrainedWith.read(contents.state) if has_experiment else None
    return LiveModel(model, experiment, contents.input_shape, contents.notes, has_experiment, trained)


def is_weights_file(path: Path) -> bool:
    """Whether the name says that the file holds weights without layers."""
    return path.name.lower().endswith(".weights.h5")


def _read_weights_at(path: Path, experiment: Experiment, control: Control | None) -> LiveModel:
    from dnnstudio.engine.build import build
    from dnnstudio.engine.data import load_dataset
    from dnnstudio.engine.model_files import put_weights, read_weights

    shape = load_dataset(experiment.data, seed=experiment.seed, control=control).summary.input_shape
    model = build(experiment, shape)
    put_weights(model, read_weights(path, experiment, shape, control=control))
    return LiveModel(model, experiment, shape)


def _read_checkpoint_at(folder: Path, control: Control | None) -> LiveModel:
    from dnnstudio.engine.build import build
    from dnnstudio.engine.checkpoint import load_checkpoint, put_values
    from dnnstudio.engine.compiling import trained_with
    from dnnstudio.engine.data import load_dataset

    checkpoint = load_checkpoint(folder)
    experiment, at = checkpoint.experiment, checkpoint.position
    dataset = load_dataset(experiment.data, seed=experiment.seed, control=control)
    shape = dataset.summary.input_shape
    model = build(experiment, shape)
    if checkpoint.best and [weight.shape for weight in model.weights] == [best.shape for best in checkpoint.best]:
        model.set_weights(checkpoint.best)
    else:
        put_values(model.variables, checkpoint.network)
    which = f"of its best epoch {at.best.epoch}" if checkpoint.best else f"after epoch {at.epoch}"
    note = f"The program ended before this run did; these are the weights {which}, from its checkpoint."
    return LiveModel(model, experiment, shape, (note,), trained_with=trained_with(experiment, dataset, at))
