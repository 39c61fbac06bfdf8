"""All that exact resume needs, in one file, so that it is of one moment: `checkpoint/state.npz`.

It holds numbers only and is read without pickle; a file from elsewhere can at worst be refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import make_folder, read_bounded, write_atomically
from dnnstudio.core.history import Row
from dnnstudio.core.layers import Shape
from dnnstudio.core.runs import CHECKPOINT
from dnnstudio.core.stages import stages
from dnnstudio.engine.watchers import Best, Patience, Plateau

FILE = "state.npz"
FORMAT = 1
MAX_BYTES = 4 * 2**30
Arrays = list[NDArray[Any]]


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
    seconds: float = 0.0
    rate_scale: float = 1.0
    """What the schedule's rate is multiplied by: changed in flight and by a plateau."""
    history: list[Row] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    patience: Patience = field(default_factory=Patience)
    plateau: Plateau = field(default_factory=Plateau)

    def begin_epoch(self) -> None:
        """Stand at the start of an epoch, with nothing summed up yet."""
        self.step, self.loss_sum, self.metric_sum, self.seconds = 0, 0.0, 0.0, 0.0

    def begin_stage(self, *, afresh: bool) -> None:
        """Stand at the start of the next stage; `afresh` where its figures cannot be compared with those before."""
        self.stage += 1
        self.stage_epoch, self.rate_scale = 0, 1.0
        self.patience, self.plateau = Patience(), Plateau()
        if afresh:
            self.best = Best(self.best.monitor)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment of a training. `network` is every variable of the model, its seed generators' states among them."""

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
    make_folder(folder / CHECKPOINT)
    write_atomically(folder / CHECKPOINT / FILE, content.getvalue())


def load_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint of a run folder. Raises `UserError` where there is none or it is damaged."""
    path = folder / CHECKPOINT / FILE
    if not path.exists():
        raise UserError(f"{folder} holds no checkpoint to go on from.", "Train it afresh.")
    content = read_bounded(path, MAX_BYTES, what="a checkpoint")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            groups = {name: _group(archive, name) for name in ("network", "optimizer", "best")}
        if about["format"] != FORMAT:
            raise UserError(f"{path} has format {about['format']!r}; this program reads {FORMAT}.", "Update dnnstudio.")
        plain = {"stage_epoch": about["position"]["epoch"]} | about["position"]
        position = Position(
            **plain
            | {"best": Best(**plain["best"]), "patience": Patience(**plain["patience"])}
            | {"plateau": Plateau(**plain["plateau"])}
        )
        experiment = codec.from_plain(about["experiment"], name=str(path))
        return Checkpoint(position=position, experiment=experiment, fingerprint=about["fingerprint"], **groups)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged.", "Train it afresh.") from error


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
        "batch size": before.training.batch_size == experiment.training.batch_size,
        "data": checkpoint.fingerprint == fingerprint,
    }
    if changed := [name for name, kept in same.items() if not kept]:
        raise UserError(
            f"The run cannot go on, because its {' and '.join(changed)} changed since.", "Train it as a new run."
        )


def _group(archive: Any, name: str) -> Arrays:
    count = sum(1 for key in archive.files if key.startswith(f"{name}_"))
    return [archive[f"{name}_{index}"] for index in range(count)]


def values_of(variables: Any) -> Arrays:
    """Copies of Keras variables' values."""
    return [np.array(variable.numpy()) for variable in variables]


def put_values(variables: Any, arrays: Arrays) -> None:
    """Assign arrays to Keras variables once all shapes and types are known to fit. Raises `UserError`."""
    listed = list(variables)
    fits = len(listed) == len(arrays) and all(
        tuple(variable.shape) == array.shape and variable.dtype == array.dtype.name
        for variable, array in zip(listed, arrays, strict=False)
    )
    if not fits:
        raise UserError("The checkpoint is of another network or optimizer.", "Train it afresh.")
    for variable, array in zip(listed, arrays, strict=True):
        variable.assign(array)
