"""The end of a training: the figures of its last weights on every part, and the files that are left behind."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.fingerprints import layer_fingerprints, model_fingerprint
from dnnstudio.engine.checkpoint import Arrays, Position
from dnnstudio.engine.compiling import trained_with
from dnnstudio.engine.evaluation import Evaluator
from dnnstudio.engine.losses import objective
from dnnstudio.engine.model_files.writing import arrays_of
from dnnstudio.engine.run_folder import RunFolder
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.stage import LiveStage, set_trainable
from dnnstudio.engine.versions import versions

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset


def close_run(
    folder: RunFolder,
    model: keras.Sequential,
    experiment: Experiment,
    dataset: Dataset,
    figures: dict[str, Any],
    *,
    best: Arrays,
    at: Position,
    stage: LiveStage,
) -> dict[str, Any]:
    """Write model.keras, best.keras and metrics.json; what metrics.json holds.

    The layers learn or not as the experiment says, whatever the last phase had frozen. `stage` is the last one, and
    `at` where it ended. Both files hold the optimizer as the last step left it, as Keras's EarlyStopping leaves it
    beside the best weights; not where the last phase had layers frozen, because it knows nothing of those.
    Raises `UserError`.
    """
    shape = dataset.summary.input_shape
    set_trainable(model, experiment)
    evaluator = stage.evaluator if stage.whole else Evaluator(model, objective(experiment, dataset.summary))
    trained = trained_with(experiment, dataset, at)
    optimizer = stage.optimizer if stage.whole else None
    layers = layer_fingerprints(arrays_of(model))
    metrics: dict[str, Any] = figures | {
        "parameters": model.count_params(),
        "fingerprint": model_fingerprint(layers),
        "layer_fingerprints": layers,
        "seed": experiment.seed,
        "data_fingerprint": dataset.fingerprint,
        "versions": versions(),
        **trained.plain(),
    }
    for part in ("train", "validation", "test"):
        metrics[part] = evaluator.evaluate(getattr(dataset, part))
    folder.save_last(model, experiment, shape, trained, optimizer)
    if best:
        last = model.get_weights()
        if all(np.array_equal(one, other) for one, other in zip(last, best, strict=True)):
            folder.best_is_last()
        else:
            model.set_weights(best)
            folder.save_best(model, experiment, shape, trained, optimizer)
            model.set_weights(last)
    folder.finish(metrics)
    return metrics


def rescue(
    folder: RunFolder, model: keras.Sequential, experiment: Experiment, dataset: Dataset, *, best: Arrays, at: Position
) -> None:
    """The training fails: write best.keras all the same, where there is a best epoch. Raises nothing of its own."""
    if best:
        with contextlib.suppress(Exception):  # what failed is told of; that this failed too would only hide it
            model.set_weights(best)
            folder.save_best(model, experiment, dataset.summary.input_shape, trained_with(experiment, dataset, at))
