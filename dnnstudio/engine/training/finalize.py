"""The end of a training: the figures of its final weights on every part, and the files of the run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, Stage
from dnnstudio.core.versions import versions
from dnnstudio.core.workspace.answers import Answers
from dnnstudio.core.workspace.figures import KEY as WEIGHTS_EPOCH
from dnnstudio.core.workspace.figures import STEPS_KEY, restores_best
from dnnstudio.core.workspace.fingerprints import layer_fingerprints, model_fingerprint
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import THREADS, keras
from dnnstudio.engine.model_files.writing import arrays_of
from dnnstudio.engine.training.checkpoint import Arrays, Checkpoint, Position, save_checkpoint
from dnnstudio.engine.training.compile_config import trained_with
from dnnstudio.engine.training.evaluation import Evaluator
from dnnstudio.engine.training.live_stage import LiveStage, set_trainable
from dnnstudio.engine.training.refuges import refuges
from dnnstudio.engine.training.run_writer import RunFolder

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

LACKING = "Stopped before all its figures were measured."


def close_somewhere(
    folder: RunFolder,
    model: keras.Sequential,
    experiment: Experiment,
    dataset: Dataset,
    figures: dict[str, Any],
    *,
    checkpoint: Checkpoint,
    **given: Any,
) -> tuple[Path, dict[str, Any], str]:
    """As `close_run`, which is `given` the rest; in another folder, where the run's own one can no longer be written.

    A drive that went away, or a disk that is full, must not cost what was trained. Returns the folder, the contents of
    metrics.json, and a sentence that says why it is another one, or "". `checkpoint` is the one of the end. Raises
    `UserError` where it can be written nowhere.
    """
    files, measured = (model, experiment, dataset, figures), Measured()
    try:
        return folder.path, close_run(folder, *files, **given, measured=measured), ""
    except UserError as refusal:
        for place, lasts in refuges(folder.path):
            try:
                other = folder.take_over(place, experiment, given["at"].history)
                save_checkpoint(place, checkpoint)
                metrics = close_run(other, *files, **given, measured=measured)
            except UserError:
                shutil.rmtree(place, ignore_errors=True)
                continue
            until = "" if lasts else ", until this computer is turned off"
            return place, metrics, f"{refusal.message} The whole run is kept in {place}{until}."
        raise


@dataclass
class Measured:
    """What was measured of the final weights already: a second try to write it measures no more than that lacks."""

    figures: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    """By weights, "last" or "best", and part."""
    answers: dict[str, Answers] | None = None
    lacking: bool = False
    """Whether something was stopped before it was measured."""


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
    emit: Callable[[Event], None],
    control: Control | None = None,
    measured: Measured | None = None,
) -> dict[str, Any]:
    """Write model.keras, best.keras and metrics.json, and return the contents of metrics.json.

    Where a number is predicted, answers.npz too, of the weights in model.keras.

    Its `best` has the figures of the best epoch's weights, and is None where these are the last ones.

    Layers are trainable as in the experiment, whatever the last phase had frozen. `stage` is the last stage, `at` its
    end position, and `best` the best epoch's weights, each in its variable's shape [...]. Both files contain the
    optimizer's state after the last step, as with Keras's EarlyStopping; except after a phase with frozen layers, for
    which the optimizer has no state. Once `control` is stopped, which `emit` says at once, the figures that are not yet
    measured are left out, each as of a part without rows. Raises `UserError`.
    """
    shape, known = dataset.summary.input_shape, measured or Measured()
    folder.control = control
    set_trainable(model, experiment)
    evaluator = (
        stage.evaluator if stage.whole else Evaluator(model, objective(experiment, dataset.summary), dataset.summary)
    )
    trained = trained_with(experiment, dataset, at)
    put_back = bool(best) and restores_best(experiment)
    optimizer = stage.optimizer if stage.whole else None
    layers = layer_fingerprints(arrays_of(model))
    metrics: dict[str, Any] = figures | {
        "epochs": at.epoch,
        "best_epoch": at.best.epoch,
        WEIGHTS_EPOCH: at.best.epoch if put_back else at.epoch,
        STEPS_KEY: 0 if put_back else at.step,
        "seconds": round(sum(row["seconds"] for row in at.history) + at.seconds, 3),
        "parameters": model.count_params(),
        "fingerprint": model_fingerprint(layers),
        "layer_fingerprints": layers,
        "seed": experiment.seed,
        "threads": THREADS,
        "data_fingerprint": dataset.fingerprint,
        "versions": versions(),
        **trained.plain(),
    }
    if experiment.rate_changes:
        metrics["rate_changes"] = codec.to_plain(experiment.rate_changes)

    def figures_on(part: str, weights: str = "last") -> dict[str, float]:
        found = known.figures.get((weights, part))
        try:
            found = evaluator.evaluate(getattr(dataset, part), control=control) if found is None else found
        except Cancelled:
            if not known.lacking:
                text = f"{LACKING} Saving the run."
                emit(Progress(run=figures["run"], done=0, total=0, text=text, stage=Stage.SAVING))
            known.lacking = True
            return {}
        known.figures[weights, part] = found
        return found

    for part in ("train", "validation", "test"):
        metrics[part] = figures_on(part)
    if evaluator.measures_numbers and known.answers is None and not (control is not None and control.stopped):
        parts = {part: getattr(dataset, part) for part in ("validation", "test")}
        known.answers = {
            name: Answers(np.asarray(part.y, np.float64), evaluator.answers(part))
            for name, part in parts.items()
            if len(part.x)
        }
    if known.answers is not None:
        folder.save_answers(known.answers)
    folder.save_last(model, experiment, shape, trained, optimizer)
    metrics["best"] = None
    if best:
        last = model.get_weights()
        if all(np.array_equal(one, other) for one, other in zip(last, best, strict=True)):
            folder.best_is_last()
        else:
            try:
                model.set_weights(best)
                folder.save_best(model, experiment, shape, trained, optimizer)
                metrics["best"] = {part: figures_on(part, "best") for part in ("validation", "test")}
            finally:
                model.set_weights(last)
    if known.lacking:
        metrics["message"] = f"{figures['message']} {LACKING}"
    folder.finish(metrics)
    return metrics


def rescue(
    folder: RunFolder, model: keras.Sequential, experiment: Experiment, dataset: Dataset, *, best: Arrays, at: Position
) -> None:
    """After a failed training, save the best weights so far, each array in its variable's shape [...], as best.keras.

    Never raises, so that the original error is the one reported.
    """
    if best:
        with contextlib.suppress(Exception):  # the original failure is reported; a second one would only hide it
            model.set_weights(best)
            folder.save_best(model, experiment, dataset.summary.input_shape, trained_with(experiment, dataset, at))
