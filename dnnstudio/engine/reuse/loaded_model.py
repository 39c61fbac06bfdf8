"""A network in memory, and reading it from a run folder or a model file.

Nothing heavy is imported before a network is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.target_unit import unit_in
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.study.sweep_record import read_sweep_record
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.ensembles import is_ensemble, member_folder, read_ensemble
from dnnstudio.core.workspace.runs import CHECKPOINT, EXPERIMENT, Weights, is_run, is_sweep, model_file
from dnnstudio.core.workspace.training_record import TrainedWith


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A network in memory: the Keras model, its experiment, and its input shape."""

    model: Any
    experiment: Experiment
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()
    has_experiment: bool = True
    trained_with: TrainedWith | None = None


def read_model_at(
    path: Path,
    *,
    layers_of: Experiment | None = None,
    weights: Weights = "last",
    control: Control | None = None,
) -> LiveModel:
    """The network of a run folder, with its last or its best weights, or of a model file.

    A run whose program was cut off has left no model, but a checkpoint: its best weights are read. A model file has
    only one set of weights; the best are not found there.

    A `.weights.h5` file holds no layers; they are those of `layers_of`, where the data tells the input's shape.
    Raises `UserError` and `Cancelled`.
    """
    from dnnstudio.engine.backend.builder import build
    from dnnstudio.engine.model_files import put_weights, read_model

    known: Experiment | None = None
    file = path
    if path.is_dir():
        if is_sweep(path):
            best = read_sweep_record(path).home
            which = "" if best == path else f", such as {best}, the best so far"
            raise UserError(f"{path} is a sweep of several trials, not one network.", f"Give a trial{which}.")
        if is_ensemble(path):
            seeds = read_ensemble(path).seeds
            raise UserError(
                f"{path} is a repeat of {count_of(len(seeds), 'run')}, not one network.",
                f"Give one of them, such as {member_folder(path, seeds[0])}. ONNX and SavedModel files hold them all.",
            )
        if not is_run(path):
            raise UserError(f"{path} holds no run.", f"A run folder has an {EXPERIMENT} in it.")
        known, file = codec.load(path / EXPERIMENT), model_file(path, weights)
        ended = model_file(path, "last").exists()
        if not ended and not file.exists() and (path / CHECKPOINT).is_dir():
            return _read_checkpoint_at(path, control)
        if not file.exists():
            if ended:
                raise UserError(f"The run in {path} has kept no best weights.", "Use its last ones.")
            raise UserError(f"The run in {path} has no model yet.", "Resume it, or let it finish.")
    elif weights == "best":
        raise UserError(f"{path} is a model file, which has no other weights.", "Give the folder of its run.")
    if layers_of is not None and is_weights_file(file):
        return _read_weights_at(file, layers_of, control)
    contents = read_model(file, control=control)
    experiment = known or contents.experiment
    has_experiment = experiment is not None
    if experiment is None:
        experiment = Experiment(name=path.stem[:200], layers=contents.layers)
    unit = contents.target_unit or unit_in(contents.layers, experiment)
    model = build(experiment, contents.input_shape, unit=unit, control=control)
    put_weights(model, contents.arrays)
    trained = TrainedWith.read(contents.state) if has_experiment else None
    return LiveModel(model, experiment, contents.input_shape, contents.notes, has_experiment, trained)


def is_weights_file(path: Path) -> bool:
    """Whether the file name is that of a file with weights but without layers."""
    return path.name.lower().endswith(".weights.h5")


def _read_weights_at(path: Path, experiment: Experiment, control: Control | None) -> LiveModel:
    from dnnstudio.engine.data import load_dataset

    summary = load_dataset(experiment.data, seed=experiment.seed, control=control).summary
    shape = summary.input_shape
    return load_weights_at(path, experiment, shape, unit=summary.target_unit, control=control)


def load_weights_at(
    path: Path,
    experiment: Experiment,
    input_shape: tuple[int, ...],
    *,
    unit: TargetUnit | None = None,
    control: Control | None = None,
) -> LiveModel:
    """The experiment's stack with the weights of a file. `unit` is what a number's answers are brought to.

    Raises `UserError` before anything is built if they do not fit, and `Cancelled`.
    """
    from dnnstudio.engine.backend.builder import build
    from dnnstudio.engine.model_files import put_weights, read_weights

    contents = read_weights(path, experiment, input_shape, control=control)
    model = build(experiment, input_shape, unit=unit, control=control)
    put_weights(model, contents.arrays)
    return LiveModel(model, experiment, input_shape, contents.notes)


def _read_checkpoint_at(folder: Path, control: Control | None) -> LiveModel:
    from dnnstudio.engine.backend.builder import build
    from dnnstudio.engine.data import load_dataset
    from dnnstudio.engine.training.checkpoint import load_checkpoint, put_values
    from dnnstudio.engine.training.compile_config import trained_with

    checkpoint = load_checkpoint(folder)
    experiment, at = checkpoint.experiment, checkpoint.position
    dataset = load_dataset(experiment.data, seed=experiment.seed, control=control)
    shape = dataset.summary.input_shape
    model = build(experiment, shape, unit=dataset.summary.target_unit, control=control)
    if checkpoint.best and [weight.shape for weight in model.weights] == [best.shape for best in checkpoint.best]:
        model.set_weights(checkpoint.best)
    else:
        put_values(model.variables, checkpoint.network)
    which = f"of its best epoch {at.best.epoch}" if checkpoint.best else f"after epoch {at.epoch}"
    note = f"The program ended before this run did; these are the weights {which}, from its checkpoint."
    return LiveModel(model, experiment, shape, (note,), trained_with=trained_with(experiment, dataset, at))
