"""The engine's one door: every job of `core.jobs` goes in here, on one thread, one after the other.

Nothing heavy is imported before a job needs it, so that data can be described before TensorFlow is there.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnstudio.core.control import Control
from dnnstudio.core.data import Data
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import (
    CompareModels,
    CompareTransfer,
    DataPreview,
    DescribeData,
    EndReason,
    EvaluateModel,
    Evaluation,
    Event,
    FindRate,
    FoundRate,
    Job,
    Library,
    ListLibrary,
    ModelComparison,
    OpenedModel,
    OpenModel,
    Progress,
    Reconstruct,
    Reconstructions,
    RunEnded,
    RunResult,
    SampleModel,
    SavedModel,
    SaveModel,
    TrainRun,
    TransferComparison,
)
from dnnstudio.core.runs import MODEL, home_of
from dnnstudio.core.trained_with import TrainedWith
from dnnstudio.engine.library import ModelShelf
from dnnstudio.engine.live_model import LiveModel, read_model_at

if TYPE_CHECKING:
    from dnnstudio.core.uncertainty.samples import Samples
    from dnnstudio.engine.data import Dataset
    from dnnstudio.engine.evaluation import Evaluator
    from dnnstudio.engine.transfer import Source

Emit = Callable[[Event], None]
LIVE_MODELS = 8
"""Networks kept in memory; an older one is read again from its run folder when it is asked for."""


class Session:
    """Runs jobs and keeps the networks that they made, by run id or by the id of the job that opened them."""

    def __init__(self, *, beside_window: bool = False) -> None:
        """`beside_window`: in a thread of a program whose window is to answer meanwhile."""
        self._beside_window = beside_window
        self._models: OrderedDict[str, LiveModel] = OrderedDict()
        self._folders: dict[str, Path] = {}
        self._shelf = ModelShelf()
        self._samplers: Any = None

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
                case Reconstruct():
                    return self._reconstruct(job, control, emit)
                case CompareTransfer():
                    return self._compare_transfer(job, control, emit)
                case ListLibrary():
                    return self._list(job, control, emit)
                case CompareModels():
                    return self._compare_models(job, control, emit)
                case SampleModel():
                    return self._sample(job, control, emit)
                case FindRate():
                    return self._find_rate(job, control, emit)
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
            experiment, dataset = self._prepared(job.experiment, job.id, control, emit)
            experiment, model, around = self._start(job, experiment, dataset.summary.input_shape, control)
        except BaseException as error:
            reason: EndReason = "stopped" if isinstance(error, Cancelled) else "failed"
            emit(RunEnded(run=job.id, reason=reason, message=str(error) or "Stopped before the first step."))
            raise
        from dnnstudio.engine.training import train

        result = train(
            experiment,
            dataset,
            folder=job.folder,
            run=job.id,
            control=control,
            emit=emit,
            model=model,
            resume_from=job.resume_from,
            stop_after=job.stop_after,
            around=around,
        )
        self._folders[job.id] = job.folder
        trained = TrainedWith.read(result.metrics)
        self._keep(job.id, LiveModel(model, experiment, dataset.summary.input_shape, trained_with=trained))
        return result

    def _start(
        self, job: TrainRun, experiment: Experiment, input_shape: tuple[int, ...], control: Control
    ) -> tuple[Experiment, Any, Any]:
        """The network to train, the experiment as its run folder will hold it, and who else has a part in it."""
        from dnnstudio.engine.sharing import SharedTraining
        from dnnstudio.engine.training import fresh_model
        from dnnstudio.engine.transfer import source_text, start_model

        source, start = self._source(job, control), None
        if source is not None and experiment.transfer is not None:
            start = start_model(experiment, input_shape, source)
            if source.place is not None:
                named = experiment.transfer.replaced(source=source_text(job.folder, source.place))
                experiment = experiment.replaced(transfer=named)
        model = start.model if start is not None else fresh_model(experiment, input_shape)
        around = SharedTraining(
            model,
            run=job.id,
            start=start,
            source=source,
            live_at=self._live_at,
            read=lambda place: read_model_at(place),
        )
        return experiment, model, around

    def _source(self, job: TrainRun, control: Control) -> Source | None:
        """The network that the training starts from, where it starts from one. Raises `UserError`.

        A run that goes on needs it only for the layers that it shares: its weights are in its checkpoint.
        """
        from dnnstudio.engine.transfer import Source, find_place

        transfer = job.experiment.transfer
        if transfer is None or (job.resume_from is not None and not transfer.shared):
            return None
        if transfer.source in self._models or transfer.source in self._folders:
            place = self._folders.get(transfer.source)
            place = None if place is None else home_of(place).absolute()
            return Source(self.model(transfer.source, control=control), place)
        try:
            place = home_of(find_place(transfer.source, job.base, job.resume_from))
        except UserError:
            if job.resume_from is None:
                raise
            return None  # what was shared is gone; the run goes on alone
        if place.suffix == ".json":
            raise UserError(f"The source {place.name} is an experiment, not a trained model.", "Choose a run of it.")
        live = next(iter(self._live_at(place)), None)
        if live is None:
            live = self._keep(str(place), read_model_at(place, control=control))
            self._folders[str(place)] = place
        return Source(live, place)

    def _live_at(self, place: Path) -> list[LiveModel]:
        """The networks in memory that lie in this run folder or model file, the last used one first."""
        real = os.path.realpath(place)
        keys = [key for key, folder in self._folders.items() if os.path.realpath(home_of(folder)) == real]
        return [self._models[key] for key in reversed(self._models) if key in keys]

    def _evaluate(self, job: EvaluateModel, control: Control, emit: Emit) -> Evaluation:
        live = self.model(job.model, layers_of=job.experiment, control=control)
        parts: dict[str, dict[str, float]] = {}
        evaluator, dataset = self._evaluator(live, job.experiment, job.id, control, emit)
        for number, part in enumerate(job.parts):
            emit(Progress(run=job.id, done=number, total=len(job.parts), text=f"Evaluating the {part} rows."))
            parts[part] = evaluator.evaluate(getattr(dataset, part), control=control)
        return Evaluation(parts=parts)

    def _evaluator(
        self, live: LiveModel, given: Experiment, job: str, control: Control, emit: Emit
    ) -> tuple[Evaluator, Dataset]:
        """What measures the network on the rows of `given`. Raises `UserError` where it was made for others."""
        asked = given
        if live.experiment.pretraining is not None:
            asked = live.experiment.replaced(data=given.data, seed=given.seed)
        asked, dataset = self._prepared(asked, job, control, emit)
        if dataset.summary.input_shape != live.input_shape:
            raise UserError(
                f"The network reads rows of shape {live.input_shape}, but the data has {dataset.summary.input_shape}.",
                "Choose the data that the network was made for.",
            )
        from dnnstudio.engine.evaluation import Evaluator
        from dnnstudio.engine.losses import objective
        from dnnstudio.engine.stage import set_trainable

        # A shared layer may have been frozen for another network; whether its price counts depends on it.
        set_trainable(live.model, live.experiment)
        experiment = live.experiment.replaced(loss=asked.loss)
        return Evaluator(live.model, objective(experiment, dataset.summary)), dataset

    def _reconstruct(self, job: Reconstruct, control: Control, emit: Emit) -> Reconstructions:
        from dnnstudio.engine.pretraining import reconstruct

        live = self.model(job.model, control=control)
        _, dataset = self._evaluator(live, job.experiment, job.id, control, emit)
        return reconstruct(live, dataset, job, control)

    def _compare_transfer(self, job: CompareTransfer, control: Control, emit: Emit) -> TransferComparison:
        from dnnstudio.engine.comparing import compare

        return compare(job, control, emit, lambda training: self._train(training, control, emit))

    def _list(self, job: ListLibrary, control: Control, emit: Emit) -> Library:
        return self._shelf.list(job, control, _progress(job.id, emit))

    def _compare_models(self, job: CompareModels, control: Control, emit: Emit) -> ModelComparison:
        from dnnstudio.engine.library import compare_models

        def measure(live: LiveModel, experiment: Experiment) -> dict[str, float]:
            evaluator, dataset = self._evaluator(live, experiment, job.id, control, emit)
            return evaluator.evaluate(dataset.test, control=control)

        models = [self.model(key, layers_of=job.experiment, control=control) for key in (job.first, job.second)]
        return compare_models(job, models[0], models[1], measure)

    def _find_rate(self, job: FindRate, control: Control, emit: Emit) -> FoundRate:
        from dnnstudio.engine.finder import find_rate, untouched_random_state

        with untouched_random_state():
            experiment, dataset = self._prepared(job.experiment, job.id, control, emit)
            if job.model is not None:
                live = self.model(job.model, control=control)
                experiment, model = experiment.replaced(layers=live.experiment.layers, transfer=None), live.model
            else:
                start = TrainRun(id=job.id, experiment=experiment, folder=job.base or Path(), base=job.base)
                experiment, model, _ = self._start(start, experiment, dataset.summary.input_shape, control)
        return find_rate(job, experiment, dataset, model, control=control, emit=emit)

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
        from dnnstudio.engine.compiling import optimizer_of_run
        from dnnstudio.engine.run_folder import save_network

        live = self.model(job.model, control=control)
        place = self._folders.get(str(job.model), Path(job.model))
        what = (live.experiment, live.input_shape, live.trained_with)
        size = save_network(live.model, job.path, *what, optimizer_of_run(place, live.model, *what))
        return SavedModel(path=job.path, bytes=size)

    def _sample(self, job: SampleModel, control: Control, emit: Emit) -> Samples:
        from dnnstudio.engine.sample_job import SampleJobs

        self._samplers = self._samplers or SampleJobs(beside_window=self._beside_window)
        emit(Progress(run=job.id, done=0, total=job.passes, text="Reading the network"))
        live = self._model_for_looking(job.model, job.experiment, control)
        samples: Samples = self._samplers.run(job, live.model, live.input_shape, control, emit)
        return samples

    def _model_for_looking(self, key: str | Path, experiment: Experiment, control: Control) -> LiveModel:
        """As `model`, but one read from a path is kept until its file changes: looking asks again and again."""
        path = Path(key)
        if str(key) in self._models or str(key) in self._folders or not path.exists():
            return self.model(key, layers_of=experiment, control=control)
        file = path / MODEL if path.is_dir() else path
        stamp = f"{file}@{file.stat().st_mtime_ns if file.exists() else 0}"
        if stamp not in self._models:
            self._keep(stamp, self.model(path, layers_of=experiment, control=control))
        return self.model(stamp)

    # ------------------------------------------------------------------------------------- helpers

    def _prepared(self, experiment: Experiment, job: str, control: Control, emit: Emit) -> tuple[Experiment, Dataset]:
        """What is really trained, and its rows: something else than the experiment says where it pretrains."""
        dataset = self._load(experiment.data, experiment.seed, job, control, emit)
        if experiment.pretraining is None:
            return experiment, dataset
        from dnnstudio.engine.pretraining import prepare

        return prepare(experiment, dataset)

    def _load(self, data: Data, seed: int, job: str, control: Control, emit: Emit) -> Dataset:
        from dnnstudio.engine.data import load_dataset

        return load_dataset(data, seed=seed, control=control, progress=_progress(job, emit))

    def _keep(self, key: str, live: LiveModel) -> LiveModel:
        self._models[key] = live
        self._models.move_to_end(key)
        while len(self._models) > LIVE_MODELS:
            self._models.popitem(last=False)
        return live


def _progress(job: str, emit: Emit) -> Callable[[int, int, str], None]:
    return lambda done, total, text: emit(Progress(run=job, done=done, total=total, text=text))
