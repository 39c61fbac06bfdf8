"""One stage of a running training: trainable layers, a new optimizer, and the schedule from its start.

A training has one stage, or one per phase; the transition corresponds to a new `compile` in Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import WeightedLayer
from dnnstudio.core.experiment.optimizers import AnyOptimizer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Plan, Schedule
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.planning.rates import Course, course_of
from dnnstudio.core.planning.stages import Stage
from dnnstudio.core.text import count_of
from dnnstudio.engine.backend.builder import to_keras
from dnnstudio.engine.backend.memory import need_memory, step_bytes
from dnnstudio.engine.backend.objective import Objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.backend.target_unit import without_unit
from dnnstudio.engine.training.aside import LOOK_S
from dnnstudio.engine.training.evaluation import Evaluator
from dnnstudio.engine.training.step_loop import StepLoop, StepsDone

if TYPE_CHECKING:
    from dnnstudio.engine.data import Split

Steps = NDArray[np.int64]
Rates = NDArray[np.float64]


class LiveStage:
    """The compiled parts of one stage. Steps are counted from the stage's first."""

    def __init__(
        self,
        stage: Stage,
        experiment: Experiment,
        model: keras.Sequential,
        objective: Objective,
        rows: Split,
        summary: DataSummary,
        steps_per_epoch: int,
        number: int = 1,
    ) -> None:
        """`rows` are those that are learnt, `summary` that of the data; `number` counts the stages from 1."""
        self.epochs = stage.epochs
        self.whole = not stage.changes_network
        """Whether the network learns as the experiment itself says: all of it, and no layer frozen for now."""
        set_trainable(model, experiment, stage.frozen)
        network = without_unit(model, experiment) if stage.layers is None else part_of(model, stage.layers)
        if not network.trainable_variables:
            raise UserError("Every layer is frozen, so there is nothing to train.", "Make one layer trainable.")
        batch = min(experiment.training.batch_size, len(rows.x))
        need_memory(
            step_bytes(network, batch, slots=stage.optimizer.slots()),
            what=f"A step of {count_of(batch, 'row')}",
            hint="Set a smaller batch size, or make the layers smaller.",
        )
        self.network = network
        self.course: Course = course_of(
            experiment, number, stage.optimizer.learning_rate, steps_per_epoch, stage.epochs
        )
        """The learning rates; another one may take its place between two steps."""
        self.optimizer = to_keras(stage.optimizer)
        momentum = first_momentum(stage.optimizer, self.course.schedule, self.course.plan)
        if momentum is not None:
            # Set before building: without momentum an optimizer creates no velocity variables.
            self.optimizer.momentum = momentum
        # Retraced for every stage: tracing decides which layers are frozen.
        self._loop = StepLoop(
            network,
            self.optimizer,
            objective,
            rows.x,
            rows.y,
            sets_momentum=momentum is not None,
            batch=batch,
        )
        self.loss_factor = 1.0 if summary.target_unit is None else summary.target_unit.loss_factor(objective.loss)
        """What brings the losses of steps, which are of standardized targets, to the target's own unit."""
        self.note = self._loop.note
        """Why the network cannot use the compiled path, as a sentence; empty if it can."""
        self.evaluator = Evaluator(model if stage.layers is None else network, objective, summary)

    def run(self, rows: NDArray[np.int32], steps: Steps, rates: Rates) -> StepsDone:
        """Train on each line of `rows` [steps, batch]; `steps` are their numbers, `rates` their learning rates."""
        return self._loop.run(rows, rates, self._momenta(steps))

    def expect(self, rows: NDArray[np.int32]) -> None:
        """Announce the probable `rows`, int32 [steps, batch], of the next `run`."""
        self._loop.expect(rows)

    def get_ready(self, control: Control) -> None:
        """Block until the next step can run without waiting for compilation. Raises `Cancelled` as soon as the job is
        stopped.
        """
        try:
            while not self._loop.ready(LOOK_S):
                control.check()
        except Cancelled:
            self._loop.give_up()
            raise

    def limit(self, count: int) -> int:
        """How many of the next `count` steps take the same path, eager or compiled."""
        return min(count, self._loop.eager_left) or count

    @property
    def together(self) -> int:
        """The preferred number of steps per call, as `StepLoop.together`."""
        return self._loop.together

    def rates(self, steps: Steps) -> Rates:
        """The schedule's learning rates of the `steps` [steps]: float64 [steps]."""
        return self.course.rates(steps)

    def finish(self) -> None:
        """Replace the weights by the optimizer's moving averages if it keeps any (`use_ema`)."""
        if int(self.optimizer.iterations.numpy()):
            self.optimizer.finalize_variable_values(self.network.trainable_variables)

    def release(self) -> None:
        """Release the data; no step can be run afterwards."""
        self._loop.release()

    def _momenta(self, steps: Steps) -> Rates | None:
        """The momentum of each step if the schedule sets it and the optimizer has one."""
        if not hasattr(self.optimizer, "momentum"):
            return None
        return self.course.momenta(steps)


def first_momentum(optimizer: AnyOptimizer, schedule: Schedule, plan: Plan) -> float | None:
    """The momentum of the first step if the schedule sets it and the optimizer has one."""
    momentum = schedule.momentum(np.zeros(1), plan, np) if "momentum" in type(optimizer).model_fields else None
    return None if momentum is None else float(momentum[0])


def set_trainable(model: keras.Sequential, experiment: Experiment, frozen: frozenset[str] = frozenset()) -> None:
    """Make exactly those layers trainable that are so in the experiment and are not `frozen`."""
    specs = {layer.id: layer for layer in experiment.active_layers}
    for layer in model.layers:
        spec = specs.get(layer.name)
        if isinstance(spec, WeightedLayer):
            layer.trainable = spec.trainable and spec.id not in frozen


def part_of(model: keras.Sequential, ids: tuple[str, ...]) -> keras.Sequential:
    """A stack of some of the model's own layers: training it trains them."""
    return keras.Sequential([keras.Input(model.input_shape[1:]), *(model.get_layer(name) for name in ids)])
