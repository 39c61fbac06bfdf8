"""The engine's entry point: runs every job of `core.jobs.requests`, on one thread, one after the other.

Nothing heavy is imported before a job needs it, so that data can be described before TensorFlow is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.bundles import OpenBundle, WriteBundle
from dnnstudio.core.jobs.cases import CASE_JOBS
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, RunEnded, Stage
from dnnstudio.core.jobs.exports import ExportNetwork
from dnnstudio.core.jobs.report_figures import MeasureForReport
from dnnstudio.core.jobs.requests import (
    Augment,
    CompareModels,
    DescribeData,
    EvaluateModel,
    FindRate,
    Job,
    ListLibrary,
    OpenModel,
    Part,
    ProposeData,
    Reconstruct,
    SampleModel,
    SaveModel,
    TrainRun,
)
from dnnstudio.core.jobs.results import (
    EndReason,
    Evaluation,
    FoundRate,
    ModelComparison,
    OpenedModel,
    Reconstructions,
    RunResult,
    SavedModel,
)
from dnnstudio.core.jobs.weights import LoadWeights, MatchWeights
from dnnstudio.core.os_errors import refusal_of
from dnnstudio.core.workspace.ensembles import is_ensemble
from dnnstudio.core.workspace.exports import prepared_note
from dnnstudio.core.workspace.runs import Weights, home_of
from dnnstudio.core.workspace.sources import find_place, recorded_source
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.engine.data.tables.kept_cells import forget as forget_cells
from dnnstudio.engine.data_jobs import DataJobs
from dnnstudio.engine.reuse.catalog import ModelShelf
from dnnstudio.engine.reuse.held_models import HeldModels
from dnnstudio.engine.reuse.loaded_model import LiveModel, load_weights_at, read_model_at

if TYPE_CHECKING:
    from dnnstudio.core.uncertainty.number_samples import AnySamples
    from dnnstudio.engine.data import Dataset
    from dnnstudio.engine.reuse.start import Source
    from dnnstudio.engine.training.evaluation import Evaluator

Emit = Callable[[Event], None]


class Session:
    """Runs jobs and keeps their networks in memory, by run id or by the id of the job that opened them."""

    def __init__(self, *, beside_window: bool = False) -> None:
        """`beside_window`: runs in a thread of a program whose window must stay responsive."""
        self._beside_window = beside_window
        self._held = HeldModels()
        self._shelf = ModelShelf()
        self._samplers: Any = None
        self._cases: Any = None
        self._data_jobs = DataJobs()

    def warm_up(self) -> None:
        """Import Keras and TensorFlow, which takes seconds, before the first job that needs them, and let TensorFlow
        set up what its first operation needs: no other thread runs Python meanwhile.
        """
        import dnnstudio.engine.reuse.shared_layers
        import dnnstudio.engine.reuse.start
        import dnnstudio.engine.training.trainer  # noqa: F401
        from dnnstudio.engine.backend.runtime import tf

        tf.zeros(1) + tf.ones(1)

    def run(self, job: Job, control: Control, emit: Emit) -> Any:
        """The job's result, as `core.jobs.requests` says. Raises `UserError`, `Cancelled`, and what else goes wrong."""
        if not isinstance(job, ProposeData | DescribeData | ListLibrary):
            forget_cells()  # the table door's texts, which a training has more use for the memory of
        try:
            match job:
                case DescribeData() | ProposeData() | Augment():
                    return self._data_jobs.run(job, control, _progress(job.id, emit))
                case TrainRun():
                    return self._train(job, control, emit)
                case EvaluateModel():
                    return self._evaluate(job, control, emit)
                case OpenModel():
                    return self._open(job, control)
                case SaveModel():
                    return self._save(job, control)
                case MatchWeights():
                    from dnnstudio.engine.model_files.reading import match_weights

                    return match_weights(job.path, job.experiment, job.input_shape, control=control)
                case LoadWeights():
                    return self._load_weights(job, control)
                case ExportNetwork() | MeasureForReport() | WriteBundle() | OpenBundle():
                    from dnnstudio.engine.exporting.job import run_export

                    return run_export(job, self._held.place_of, self.model, control, emit)
                case Reconstruct():
                    return self._reconstruct(job, control, emit)
                case ListLibrary():
                    return self._shelf.list(job, control, _progress(job.id, emit))
                case CompareModels():
                    return self._compare_models(job, control, emit)
                case SampleModel():
                    return self._sample(job, control, emit)
                case FindRate():
                    return self._find_rate(job, control, emit)
            if isinstance(job, CASE_JOBS):
                return self._answer(job, control, emit)
        except Exception as error:
            # Compared by name: importing TensorFlow for its exception class would take seconds.
            if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
                raise UserError(
                    "There is not enough memory for this.", "Make the batch size, the layers or the data smaller."
                ) from error
            if (refusal := refusal_of(error)) is not None:
                raise refusal from error
            raise
        raise TypeError(f"no such job: {type(job).__name__}")

    def model(
        self,
        key: str | Path,
        *,
        layers_of: Experiment | None = None,
        weights: Weights = "last",
        control: Control | None = None,
    ) -> LiveModel:
        """The network of a run id, an opened model's id, a run folder or model file; the best is read from its run."""
        return self._held.find(key, layers_of=layers_of, weights=weights, control=control)

    def _train(self, job: TrainRun, control: Control, emit: Emit) -> RunResult:
        with ExitStack() as alone:
            try:
                alone.enter_context(held(job.folder, "a training", make=True))
                elsewhere = job.places.data if job.places is not None else None
                experiment, dataset = self._prepared(job.experiment, job.id, control, emit, elsewhere=elsewhere)
                experiment, model, around = self._start(job, experiment, dataset.summary, control)
            except BaseException as error:
                reason: EndReason = "stopped" if isinstance(error, Cancelled) else "failed"
                emit(RunEnded(run=job.id, reason=reason, message=str(error) or "Stopped before the first step."))
                raise
            from dnnstudio.engine.training.trainer import train

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
        trained = TrainedWith.read(result.metrics)
        live = LiveModel(model, experiment, dataset.summary.input_shape, trained_with=trained)
        self._held.keep(job.id, live, place=result.folder)
        return result

    def _start(
        self, job: TrainRun, experiment: Experiment, data: DataSummary, control: Control
    ) -> tuple[Experiment, Any, Any]:
        """The network to train, the experiment as stored in its run folder, and the observer of the training."""
        from dnnstudio.engine.reuse.shared_layers import SharedTraining
        from dnnstudio.engine.reuse.start import start_model
        from dnnstudio.engine.training.trainer import fresh_model

        source, start = self._source(job, control), None
        if source is not None and experiment.transfer is not None:
            start = start_model(experiment, data.input_shape, source, unit=data.target_unit, control=control)
            if source.place is not None and job.places is None:
                named = experiment.transfer.replaced(source=recorded_source(job.folder, source.place))
                experiment = experiment.replaced(transfer=named)
        model = start.model if start is not None else fresh_model(experiment, data, control=control)
        around = SharedTraining(
            model,
            run=job.id,
            start=start,
            source=source,
            live_at=self._held.at,
            read=lambda place: read_model_at(place),
            writing=self._held.writing,
            forget=self._held.forget_at,
        )
        return experiment, model, around

    def _source(self, job: TrainRun, control: Control) -> Source | None:
        """The network that the training starts from, if any. Raises `UserError`.

        A resumed run needs it only for shared layers: its weights are in its checkpoint.
        """
        from dnnstudio.engine.reuse.start import Source

        transfer = job.experiment.transfer
        if transfer is None or (job.resume_from is not None and not transfer.shared):
            return None
        if transfer.source in self._held:
            place = self._held.known_place(transfer.source)
            place = None if place is None else home_of(place).absolute()
            return Source(self.model(transfer.source, control=control), place)
        try:
            given = job.places.source if job.places is not None else None
            place = home_of(given or find_place(transfer.source, job.base, job.resume_from))
        except UserError:
            if job.resume_from is None:
                raise
            return None  # the source of the shared layers is gone; the run continues without it
        if place.suffix == ".json":
            raise UserError(f"The source {place.name} is an experiment, not a trained model.", "Choose a run of it.")
        live = self._held.current_at(place)
        if live is None:
            live = self._held.keep(str(place), read_model_at(place, control=control), place=place)
        return Source(live, place)

    def _evaluate(self, job: EvaluateModel, control: Control, emit: Emit) -> Evaluation:
        measure = self._measure(job, control, emit)
        parts: dict[str, dict[str, float]] = {}
        for number, part in enumerate(job.parts):
            text = f"Evaluating the {part} rows."
            emit(Progress(run=job.id, done=number, total=len(job.parts), text=text, stage=Stage.EVALUATING))
            parts[part] = measure(part)
        return Evaluation(parts=parts)

    def _measure(self, job: EvaluateModel, control: Control, emit: Emit) -> Callable[[Part], dict[str, float]]:
        """A function that computes loss and metric on a part of the rows, for a network or an ensemble's mean
        prediction.
        """
        if is_ensemble(Path(job.model)):
            from dnnstudio.engine.reuse.ensemble import evaluate_ensemble, read_ensemble_at

            ensemble = read_ensemble_at(Path(job.model), weights=job.weights, control=control)
            return lambda part: evaluate_ensemble(ensemble, job.experiment, part, control=control)
        live = self.model(job.model, layers_of=job.experiment, weights=job.weights, control=control)
        evaluator, dataset = self._evaluator(live, job.experiment, job.id, control, emit)
        return lambda part: evaluator.evaluate(getattr(dataset, part), control=control)

    def _evaluator(
        self, live: LiveModel, given: Experiment, job: str, control: Control, emit: Emit
    ) -> tuple[Evaluator, Dataset]:
        """The evaluator of the network on the rows of `given`. Raises `UserError` if it was made for other rows."""
        asked = given
        if live.experiment.pretraining is not None:
            asked = live.experiment.replaced(data=given.data, seed=given.seed)
        asked, dataset = self._prepared(asked, job, control, emit)
        if dataset.summary.input_shape != live.input_shape:
            raise UserError(
                f"The network reads rows of shape {live.input_shape}, but the data has {dataset.summary.input_shape}.",
                "Choose the data that the network was made for.",
            )
        from dnnstudio.engine.reuse.outputs import evaluator_of
        from dnnstudio.engine.training.live_stage import set_trainable

        # A shared layer may be frozen in another network, and only trainable weights have a penalty.
        set_trainable(live.model, live.experiment)
        experiment = live.experiment.replaced(loss=asked.loss)
        return evaluator_of(live.model, experiment, dataset), dataset

    def _reconstruct(self, job: Reconstruct, control: Control, emit: Emit) -> Reconstructions:
        from dnnstudio.engine.reuse.pretraining import reconstruct

        live = self.model(job.model, control=control)
        _, dataset = self._evaluator(live, job.experiment, job.id, control, emit)
        return reconstruct(live, dataset, job, control)

    def _compare_models(self, job: CompareModels, control: Control, emit: Emit) -> ModelComparison:
        from dnnstudio.engine.reuse.catalog import compare_models

        def measure(live: LiveModel, experiment: Experiment) -> dict[str, float]:
            evaluator, dataset = self._evaluator(live, experiment, job.id, control, emit)
            return evaluator.evaluate(dataset.test, control=control)

        models = [self.model(key, layers_of=job.experiment, control=control) for key in (job.first, job.second)]
        return compare_models(job, models[0], models[1], measure)

    def _find_rate(self, job: FindRate, control: Control, emit: Emit) -> FoundRate:
        from dnnstudio.engine.backend.keras_internals import untouched_random_state
        from dnnstudio.engine.training.lr_range_test import find_rate

        with untouched_random_state():
            experiment, dataset = self._prepared(job.experiment, job.id, control, emit)
            if job.model is not None:
                live = self.model(job.model, control=control)
                experiment, model = experiment.replaced(layers=live.experiment.layers, transfer=None), live.model
            else:
                start = TrainRun(id=job.id, experiment=experiment, folder=job.base or Path(), base=job.base)
                experiment, model, _ = self._start(start, experiment, dataset.summary, control)
        return find_rate(job, experiment, dataset, model, control=control, emit=emit)

    def _open(self, job: OpenModel, control: Control) -> OpenedModel:
        live = self._held.keep(job.id, read_model_at(job.path, control=control), place=job.path)
        return OpenedModel(
            model=job.id,
            experiment=live.experiment,
            input_shape=live.input_shape,
            notes=live.notes,
            has_experiment=live.has_experiment,
        )

    def _load_weights(self, job: LoadWeights, control: Control) -> OpenedModel:
        def read(control: Control | None) -> LiveModel:
            return load_weights_at(job.path, job.experiment, job.input_shape, unit=job.target_unit, control=control)

        live = read(control)
        if job.out is not None:
            from dnnstudio.engine.training.run_writer import save_network

            save_network(live.model, job.out, live.experiment, live.input_shape, None, None)
        self._held.keep(job.id, live, place=job.path, read_again=read)
        return OpenedModel(
            model=job.id,
            experiment=live.experiment,
            input_shape=live.input_shape,
            notes=live.notes,
            has_experiment=True,
        )

    def _save(self, job: SaveModel, control: Control) -> SavedModel:
        from dnnstudio.engine.training.compile_config import optimizer_of_run
        from dnnstudio.engine.training.run_writer import save_network

        live = self.model(job.model, weights=job.weights, control=control)
        place = self._held.place_of(job.model)
        what = (live.experiment, live.input_shape, live.trained_with)
        size = save_network(live.model, job.path, *what, optimizer_of_run(place, live.model, *what))
        return SavedModel(path=job.path, bytes=size, note=prepared_note(place))

    def _sample(self, job: SampleModel, control: Control, emit: Emit) -> AnySamples:
        from dnnstudio.engine.sampling.job import SampleJobs, with_changed_data_said

        self._samplers = self._samplers or SampleJobs(beside_window=self._beside_window)
        emit(Progress(run=job.id, done=0, total=job.passes, text="Reading the network"))
        if is_ensemble(Path(job.model)):
            from dnnstudio.engine.reuse.ensemble import read_ensemble_at

            ensemble = read_ensemble_at(Path(job.model), weights=job.weights, control=control)
            samples: AnySamples = self._samplers.run_ensemble(job, ensemble, control, emit)
        else:
            live = self._held.find_to_look_at(job.model, layers_of=job.experiment, weights=job.weights, control=control)
            samples = self._samplers.run(job, live.model, live.input_shape, control, emit)
        return with_changed_data_said(samples, job, self._held.place_of(job.model))

    def _answer(self, job: Job, control: Control, emit: Emit) -> Any:
        from dnnstudio.engine.predicting.case_jobs import CaseJobs

        self._cases = self._cases or CaseJobs(self._held.place_of, beside_window=self._beside_window)
        return self._cases.run(job, control, emit)

    def _prepared(
        self, experiment: Experiment, job: str, control: Control, emit: Emit, *, elsewhere: Data | None = None
    ) -> tuple[Experiment, Dataset]:
        """The experiment and rows that are actually trained, which differ from the given ones for pretraining.

        `elsewhere` is the experiment's data as this machine reads it, where its files lie in other places.
        """
        dataset = self._load(elsewhere or experiment.data, experiment.seed, job, control, emit)
        if experiment.pretraining is None:
            return experiment, dataset
        from dnnstudio.engine.reuse.pretraining import prepare

        return prepare(experiment, dataset)

    def _load(self, data: Data, seed: int, job: str, control: Control, emit: Emit) -> Dataset:
        from dnnstudio.engine.data import load_dataset

        return load_dataset(data, seed=seed, control=control, progress=_progress(job, emit))


def _progress(job: str, emit: Emit) -> Callable[[int, int, str], None]:
    return lambda done, total, text: emit(Progress(run=job, done=done, total=total, text=text))
