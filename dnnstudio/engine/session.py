"""The engine's one door: every job of `core.jobs` goes in here, on one thread, one after the other.

Nothing heavy is imported before a job needs it, so that data can be described before TensorFlow is there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnstudio.core import codec
from dnnstudio.core.control import Control
from dnnstudio.core.data import Data
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import (
    DataPreview,
    DescribeData,
    EndReason,
    EvaluateModel,
    Evaluation,
    Event,
    Job,
    OpenedModel,
    OpenModel,
    Progress,
    RunEnded,
    RunResult,
    SavedModel,
    SaveModel,
    TrainRun,
)
from dnnstudio.core.runs import EXPERIMENT, MODEL, is_run

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

Emit = Callable[[Event], None]
LIVE_MODELS = 8
"""Networks kept in memory; an older one is read again from its run folder when it is asked for."""


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A network in memory: a Keras model, the experiment that its layers belong to, and its input's shape."""

    model: Any
    experiment: Experiment
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()
    has_experiment: bool = True


class Session:
    """Runs jobs and keeps the networks that they made, by run id or by the id of the job that opened them."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, LiveModel] = OrderedDict()
        self._folders: dict[str, Path] = {}

    def warm_up(self) -> None:
        """Import Keras and TensorFlow, which takes seconds, before the first job that needs them."""
        import dnnstudio.engine.training  # noqa: F401

    def run(self, job: Job, control: Control, emit: Emit) -> Any:
        """The job's result, as `core.jobs` says. Raises `UserError`, `Cancelled`, and what else goes wrong."""
        try:
            match job:
                case DescribeData():
                    return self._describe(job, control, emit)
                case TrainRun():
                    return self._train(job, control, emit)
                case EvaluateModel():
                    return self._evaluate(job, control, emit)
                case OpenModel():
                    return self._open(job, control)
                case SaveModel():
                    return self._save(job, control)
        except Exception as error:
            # By name: importing TensorFlow for its exception class would take seconds.
            if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
                raise UserError(
                    "There is not enough memory for this.", "Make the batch size, the layers or the data smaller."
                ) from error
            raise
        raise TypeError(f"no such job: {type(job).__name__}")

    def model(
        self, key: str | Path, *, layers_of: Experiment | None = None, control: Control | None = None
    ) -> LiveModel:
        """The network of a run id, an opened model's id, a run folder or a model file; see `read_model_at`."""
        name = str(key)
        if name in self._models:
            self._models.move_to_end(name)
            return self._models[name]
        if name in self._folders:
            return self._keep(name, read_model_at(self._folders[name], control=control))
        return read_model_at(Path(key), layers_of=layers_of, control=control)

    # --------------------------------------------------------------------------------------- jobs

    def _describe(self, job: DescribeData, control: Control, emit: Emit) -> DataPreview:
        from dnnstudio.engine.data import describe

        return describe(
            job.data, seed=job.seed, control=control, progress=_progress(job.id, emit), download=job.download
        )

    def _train(self, job: TrainRun, control: Control, emit: Emit) -> RunResult:
        try:
            dataset = self._load(job.experiment.data, job.experiment.seed, job.id, control, emit)
            from dnnstudio.engine.training import fresh_model

            model = fresh_model(job.experiment, dataset.summary.input_shape)
        except BaseException as error:
            reason: EndReason = "stopped" if isinstance(error, Cancelled) else "failed"
            emit(RunEnded(run=job.id, reason=reason, message=str(error) or "Stopped before the first step."))
            raise
        from dnnstudio.engine.training import train

        result = train(
            job.experiment,
            dataset,
            folder=job.folder,
            run=job.id,
            control=control,
            emit=emit,
            model=model,
            resume_from=job.resume_from,
        )
        self._folders[job.id] = job.folder
        self._keep(job.id, LiveModel(model, job.experiment, dataset.summary.input_shape))
        return result

    def _evaluate(self, job: EvaluateModel, control: Control, emit: Emit) -> Evaluation:
        live = self.model(job.model, layers_of=job.experiment, control=control)
        dataset = self._load(job.experiment.data, job.experiment.seed, job.id, control, emit)
        if dataset.summary.input_shape != live.input_shape:
            raise UserError(
                f"The network reads rows of shape {live.input_shape}, but the data has {dataset.summary.input_shape}.",
                "Choose the data that the network was made for.",
            )
        from dnnstudio.engine.evaluation import Evaluator
        from dnnstudio.engine.losses import objective

        experiment = live.experiment.replaced(loss=job.experiment.loss)
        evaluator = Evaluator(live.model, objective(experiment, dataset.summary))
        parts: dict[str, dict[str, float]] = {}
        for number, part in enumerate(job.parts):
            emit(Progress(run=job.id, done=number, total=len(job.parts), text=f"Evaluating the {part} rows."))
            parts[part] = evaluator.evaluate(getattr(dataset, part), control=control)
        return Evaluation(parts=parts)

    def _open(self, job: OpenModel, control: Control) -> OpenedModel:
        live = self._keep(job.id, read_model_at(job.path, control=control))
        self._folders[job.id] = job.path
        return OpenedModel(
            model=job.id,
            experiment=live.experiment,
            input_shape=live.input_shape,
            notes=live.notes,
            has_experiment=live.has_experiment,
        )

    def _save(self, job: SaveModel, control: Control) -> SavedModel:
        from dnnstudio.engine.run_folder import save_network

        live = self.model(job.model, control=control)
        return SavedModel(path=job.path, bytes=save_network(live.model, job.path, live.experiment, live.input_shape))

    # ------------------------------------------------------------------------------------- helpers

    def _load(self, data: Data, seed: int, job: str, control: Control, emit: Emit) -> Dataset:
        from dnnstudio.engine.data import load_dataset

        return load_dataset(data, seed=seed, control=control, progress=_progress(job, emit))

    def _keep(self, key: str, live: LiveModel) -> LiveModel:
        self._models[key] = live
        self._models.move_to_end(key)
        while len(self._models) > LIVE_MODELS:
            self._models.popitem(last=False)
        return live


def read_model_at(path: Path, *, layers_of: Experiment | None = None, control: Control | None = None) -> LiveModel:
    """The network of a run folder (its last weights) or of a model file.

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
    return LiveModel(model, experiment, contents.input_shape, contents.notes, has_experiment)


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


def _progress(job: str, emit: Emit) -> Callable[[int, int, str], None]:
    return lambda done, total, text: emit(Progress(run=job, done=done, total=total, text=text))
