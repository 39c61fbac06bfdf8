"""Checkpoints: everything that an exact resume needs, in a single file so that it is consistent:
`checkpoint/state.npz`.

It contains only arrays and is read without pickle; an untrusted file can at worst be refused.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from dnnstudio.core.atomic_files import make_folder, read_bounded, write_atomically
from dnnstudio.core.bounded_json import FIGURES, parse_record
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.stages import Stage, stages
from dnnstudio.core.stored_arrays import read_stored
from dnnstudio.core.workspace.history import MOST_EPOCHS, Row
from dnnstudio.core.workspace.runs import CHECKPOINT, STATE
from dnnstudio.engine.training.monitoring.epoch_rules import Best, Patience, Plateau

FORMAT = 1
MAX_BYTES = 4 * 2**30
Arrays = list[NDArray[Any]]
_AFRESH = "Train it afresh."


@dataclass(slots=True)
class Position:
    """Where a training stands, apart from its arrays. `step` counts within the epoch; sums are over its rows.

    `stage` is the number of the phase from 0, `stage_epoch` counts its epochs, `epoch` those of the whole training.
    """

    epoch: int = 0
    stage: int = 0
    stage_epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    metric_sum: float = 0.0
    square_sum: float = 0.0
    seconds: float = 0.0
    rate_scale: float = 1.0
    """Factor on the schedule's rate, changed by the user during training and by a plateau."""
    history: list[Row] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    patience: Patience = field(default_factory=Patience)
    plateau: Plateau = field(default_factory=Plateau)

    def epochs_of(self, planned: Sequence[Stage]) -> int:
        """Epochs of the whole training as far as is known: a stage that has ended early leaves fewer."""
        return self.epoch - self.stage_epoch + sum(stage.epochs for stage in planned[self.stage :])

    @property
    def sums(self) -> tuple[float, float, float, float]:
        """What the present epoch has summed up so far."""
        return self.loss_sum, self.metric_sum, self.square_sum, self.seconds

    @sums.setter
    def sums(self, given: tuple[float, float, float, float]) -> None:
        self.loss_sum, self.metric_sum, self.square_sum, self.seconds = given

    def end_epoch(self, row: Row) -> None:
        """Add the epoch, and stand at the start of the next, with nothing summed up yet."""
        self.history.append(row)
        self.epoch += 1
        self.stage_epoch += 1
        self.step, self.sums = 0, (0.0, 0.0, 0.0, 0.0)

    def begin_stage(self, *, afresh: bool) -> None:
        """Stand at the start of the next stage; `afresh` where its figures cannot be compared with those before."""
        self.stage += 1
        self.stage_epoch, self.rate_scale = 0, 1.0
        self.patience, self.plateau = Patience(), Plateau()
        if afresh:
            self.best = Best(self.best.monitor, min_delta=self.best.min_delta)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a training at one moment. `network` holds every variable of the model, its seed
    generators included.
    """

    position: Position
    network: Arrays
    optimizer: Arrays
    best: Arrays
    """The weights of the best epoch; empty before the first."""
    experiment: Experiment
    fingerprint: str


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write it into a run folder; the last one stays until this one is whole. Raises `UserError`."""
    arrays = {
        f"{group}_{index}": array
        for group in ("network", "optimizer", "best")
        for index, array in enumerate(getattr(checkpoint, group))
    }
    about = {
        "format": FORMAT,
        "position": asdict(checkpoint.position),
        "experiment": codec.to_plain(checkpoint.experiment),
        "fingerprint": checkpoint.fingerprint,
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
    make_folder(folder / CHECKPOINT, parents=False)
    write_atomically(folder / CHECKPOINT / STATE, content.getvalue())


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a run folder. Raises `UserError` if there is none or it is damaged."""
    path = folder / CHECKPOINT / STATE
    if not path.exists():
        raise UserError(f"{folder} holds no checkpoint to go on from.", "Train it afresh.")
    content = read_bounded(path, MAX_BYTES, what="a checkpoint")
    try:
        arrays = read_stored(content)
        about = parse_record(arrays.pop("about").tobytes(), name=str(path), hint=_AFRESH, bounds=FIGURES)
        if about["format"] != FORMAT:
            raise UserError(f"{path} has format {about['format']!r}; this program reads {FORMAT}.", "Update dnnstudio.")
        plain = {"stage_epoch": about["position"]["epoch"]} | about["position"]
        experiment = codec.from_plain(about["experiment"], name=str(path))
        return Checkpoint(
            position=_position(plain),
            experiment=experiment,
            fingerprint=str(about["fingerprint"]),
            **{name: _group(arrays, name) for name in ("network", "optimizer", "best")},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged.", _AFRESH) from error


def _position(plain: Any) -> Position:
    """Raises `ValueError` for a wrong kind of value, for a count below 0 and for one that no training reaches."""
    position = TypeAdapter(Position).validate_json(json.dumps(plain), strict=True, extra="forbid")
    at, best, patience, plateau = position, position.best, position.patience, position.plateau
    counts = (at.epoch, at.stage, at.stage_epoch, at.step, best.epoch, patience.wait, plateau.wait, plateau.resting)
    sums = (at.seconds, at.rate_scale, best.min_delta)
    if not all(0 <= count <= MOST_EPOCHS for count in counts) or not all(map(math.isfinite, sums)):
        raise ValueError("no position of a training")
    return position


def refuse_changes(checkpoint: Checkpoint, experiment: Experiment, fingerprint: str, input_shape: Shape) -> None:
    """Raises `UserError` where something that the steps so far depended on has changed since.

    More epochs or phases, another learning rate, schedule or early stopping are no such change: they are for the steps
    to come.
    """
    before = checkpoint.experiment
    done = checkpoint.position.stage + 1
    were, are = stages(before, input_shape)[:done], stages(experiment, input_shape)[:done]
    same = {
        "seed": before.seed == experiment.seed,
        "layers": before.active_layers == experiment.active_layers,
        "loss": before.loss == experiment.loss,
        "optimizer": [stage.optimizer.kind for stage in were] == [stage.optimizer.kind for stage in are],
        "frozen layers": [(s.frozen, s.layers) for s in were] == [(s.frozen, s.layers) for s in are],
        "class weights": before.training.class_weight == experiment.training.class_weight,
        "batch size": before.training.batch_size == experiment.training.batch_size,
        "data": checkpoint.fingerprint == fingerprint,
    }
    if changed := [name for name, kept in same.items() if not kept]:
        raise UserError(
            f"The run cannot go on, because its {' and '.join(changed)} changed since.", "Train it as a new run."
        )


def _group(arrays: Mapping[str, NDArray[Any]], name: str) -> Arrays:
    count = sum(1 for key in arrays if key.startswith(f"{name}_"))
    return [arrays[f"{name}_{index}"] for index in range(count)]


def values_of(variables: Any) -> Arrays:
    """Copies of the values of Keras variables, each in its shape [...]."""
    return [np.array(variable.numpy()) for variable in variables]


def put_values(variables: Any, arrays: Arrays) -> None:
    """Assign arrays to Keras variables, after checking all shapes [...] and dtypes. Raises `UserError` if they do not
    fit.
    """
    listed = list(variables)
    fits = len(listed) == len(arrays) and all(
        tuple(variable.shape) == array.shape and variable.dtype == array.dtype.name
        for variable, array in zip(listed, arrays, strict=False)
    )
    if not fits:
        raise UserError("The checkpoint is of another network or optimizer.", "Train it afresh.")
    for variable, array in zip(listed, arrays, strict=True):
        variable.assign(array)
