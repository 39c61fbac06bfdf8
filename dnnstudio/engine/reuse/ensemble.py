"""An ensemble in memory: the networks of a repeat, each with its own preparation of the rows, and their predictions.

An ensemble's prediction is the mean of its members' outputs, and its figures are computed from that mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Part
from dnnstudio.core.study.mean_answer import mean_answer_figures
from dnnstudio.core.uncertainty.classification import check_between_0_and_1
from dnnstudio.core.workspace.ensembles import member_folder, read_ensemble, trained_members
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.backend.noise import random_layers
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.data import StoredPart, load_part
from dnnstudio.engine.reuse.loaded_model import LiveModel, read_model_at

BLOCK = 1000
"""Rows per forward pass, at most."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Networks of the same experiment, each with the seed it was trained with."""

    experiment: Experiment
    members: tuple[tuple[int, LiveModel], ...]


def read_ensemble_at(folder: Path, *, weights: Weights = "last", control: Control | None = None) -> Ensemble:
    """The trained members of the ensemble in `folder`, with their last or best weights.

    Raises `UserError` where it has none, and `Cancelled`.
    """
    record = read_ensemble(folder)
    seeds = trained_members(folder, record)
    if not seeds:
        raise UserError(f"No member of the ensemble in {folder} is trained.", "Repeat the experiment into it again.")
    members = []
    for seed in seeds:
        try:
            members.append((seed, read_model_at(member_folder(folder, seed), weights=weights, control=control)))
        except UserError as error:
            raise UserError(f"The member of seed {seed}: {error.message}", error.hint) from None
    return Ensemble(record.experiment, tuple(members))


def rows_for(
    seed: int, live: LiveModel, part: StoredPart, experiment: Experiment, name: Part, control: Control
) -> NDArray[np.float32]:
    """`part`'s rows as one member's input, float32 [n, *shape]: prepared and scaled by the training rows of its own
    seed.

    `part` is the part called `name` of `experiment`'s rows. Raises `UserError` if the network was trained on other
    data.
    """
    own = load_part(experiment.data, name, seed=seed, control=control)
    if own.summary.input_shape != live.input_shape:
        raise UserError(
            f"The network of seed {seed} reads rows of shape {live.input_shape}, but the data has "
            f"{own.summary.input_shape}.",
            "Choose the data that the networks were made for.",
        )
    return own.scaler.apply(part.x)


def forward_of(model: keras.Sequential) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """The network as a compiled function of rows, with dropout off, Monte Carlo kinds too: float32 [rows, units]."""
    random = {id(layer) for layer in random_layers(model)}

    def forward(block: Any) -> Any:
        for layer in model.layers:
            if id(layer) not in random:
                block = layer(block, training=False)
        return block

    shape = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    compiled = tf.function(forward, input_signature=(shape,), autograph=False)
    return lambda x: np.asarray(compiled(x), dtype=np.float32)


def outputs_of(model: keras.Sequential, x: NDArray[np.float32], *, control: Control | None = None) -> NDArray[Any]:
    """What a network says of rows, as `forward_of`, block by block: float32 [rows, units].

    Raises `UserError` where one row does not fit into memory on its way, and `Cancelled`.
    """
    forward, step = forward_of(model), rows_at_once(model, BLOCK)
    blocks = []
    for start in range(0, len(x), step):
        if control is not None:
            control.check()
        blocks.append(forward(x[start : start + step]))
    return np.concatenate(blocks)


def mean_outputs(outputs: Iterator[NDArray[Any]]) -> NDArray[np.float64]:
    """The mean of the members' outputs (at least one member), float64 [rows, units], with one member at a time in
    memory.
    """
    total, count = next(outputs).astype(np.float64), 1
    for one in outputs:
        total += one
        count += 1
    return total / count


def evaluate_ensemble(ensemble: Ensemble, experiment: Experiment, name: Part, *, control: Control) -> dict[str, float]:
    """The figures, as of a single network, of the members' mean prediction on one part of the rows of `experiment`.

    Raises `UserError` if the networks were trained on other data or for another task, and `Cancelled`.
    """
    if ensemble.experiment.pretraining is not None:
        raise UserError("The members were pretrained on a task of their own.", "Evaluate them one by one.")
    part = load_part(experiment.data, name, seed=experiment.seed, control=control)
    goal = objective(ensemble.experiment.replaced(loss=experiment.loss), part.summary)
    if not len(part):
        return {}
    mean = mean_outputs(
        outputs_of(live.model, rows_for(seed, live, part, experiment, name, control), control=control)
        for seed, live in ensemble.members
    )
    if goal.metric == "accuracy":
        check_between_0_and_1(mean)
    return mean_answer_figures(goal.loss, part.y, mean, part.summary)
