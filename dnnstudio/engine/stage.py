"""One stage of a training while it runs: which layers learn, a fresh optimizer, and the schedule from its start.

A training has one stage, or one for each phase; going from one to the next is what a new `compile` is in Keras.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import WeightedLayer
from dnnstudio.core.optimizers import AnyOptimizer
from dnnstudio.core.schedules import Plan, Schedule
from dnnstudio.core.stages import Stage
from dnnstudio.engine.build import to_keras
from dnnstudio.engine.evaluation import Evaluator
from dnnstudio.engine.loop import StepLoop, StepsDone
from dnnstudio.engine.losses import Objective
from dnnstudio.engine.runtime import keras

if TYPE_CHECKING:
    from dnnstudio.engine.data import Split

LOOK_S = 0.02
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
        steps_per_epoch: int,
    ) -> None:
        self.epochs = stage.epochs
        self.whole = not stage.changes_network
        """Whether the network learns as the experiment itself says: all of it, and no layer frozen for now."""
        set_trainable(model, experiment, stage.frozen)
        network = model if stage.layers is None else part_of(model, stage.layers)
        if not network.trainable_variables:
            raise UserError("Every layer is frozen, so there is nothing to train.", "Make one layer trainable.")
        self.network = network
        self._schedule = experiment.schedule
        self._plan = Plan(stage.optimizer.learning_rate, steps_per_epoch, stage.epochs)
        self.optimizer = to_keras(stage.optimizer)
        momentum = first_momentum(stage.optimizer, self._schedule, self._plan)
        if momentum is not None:
            # Before it is built: without a momentum an optimizer makes no room for velocities.
            self.optimizer.momentum = momentum
        # Traced anew for every stage: whether a layer is frozen is decided while a function is traced.
        self._loop = StepLoop(
            network,
            self.optimizer,
            objective,
            rows.x,
            rows.y,
            sets_momentum=momentum is not None,
            batch=min(experiment.training.batch_size, len(rows.x)),
        )
        self.note = self._loop.note
        """Why the network cannot train the fast way, in a sentence; empty where it can."""
        self.evaluator = Evaluator(network, objective)

    def run(self, rows: NDArray[np.int32], steps: Steps, rates: Rates) -> StepsDone:
        """Train on each line of `rows` [steps, batch]; `steps` are their numbers, `rates` their learning rates."""
        return self._loop.run(rows, rates, self._momenta(steps))

    def expect(self, rows: NDArray[np.int32]) -> None:
        """The lines that probably follow on those of the next `run`."""
        self._loop.expect(rows)

    def get_ready(self, control: Control) -> None:
        """Wait until the next step can be taken at once. Raises `Cancelled` as soon as the job is stopped."""
        while not self._loop.ready():
            control.check()
            time.sleep(LOOK_S)

    def limit(self, count: int) -> int:
        """So many of `count` steps that they go one way, plain or fast."""
        return min(count, self._loop.plain_left) or count

    @property
    def together(self) -> int:
        """How many steps go together, as `StepLoop.together`."""
        return self._loop.together

    def rates(self, steps: Steps) -> Rates:
        """The schedule's learning rates."""
        return self._schedule.rates(steps, self._plan)

    def finish(self) -> None:
        """Put the optimizer's averages in the place of the weights where it keeps any (`use_ema`)."""
        if int(self.optimizer.iterations.numpy()):
            self.optimizer.finalize_variable_values(self.network.trainable_variables)

    def release(self) -> None:
        """Let go of the data; no step can be run afterwards."""
        self._loop.release()

    def _momenta(self, steps: Steps) -> Rates | None:
        """The momentum of each step where the schedule sets it and the optimizer has one."""
        if not hasattr(self.optimizer, "momentum"):
            return None
        momenta = self._schedule.momentum(steps.astype(np.float64), self._plan, np)
        return None if momenta is None else np.asarray(momenta)


def first_momentum(optimizer: AnyOptimizer, schedule: Schedule, plan: Plan) -> float | None:
    """The momentum of the first step where the schedule sets it and the optimizer has one."""
    momentum = schedule.momentum(np.zeros(1), plan, np) if "momentum" in type(optimizer).model_fields else None
    return None if momentum is None else float(momentum[0])


def set_trainable(model: keras.Sequential, experiment: Experiment, frozen: frozenset[str] = frozenset()) -> None:
    """Let exactly those layers learn that the experiment lets learn and that are not `frozen`."""
    specs = {layer.id: layer for layer in experiment.active_layers}
    for layer in model.layers:
        spec = specs.get(layer.name)
        if isinstance(spec, WeightedLayer):
            layer.trainable = spec.trainable and spec.id not in frozen


def part_of(model: keras.Sequential, ids: tuple[str, ...]) -> keras.Sequential:
    """A stack of some of the model's own layers: training it trains them."""
    return keras.Sequential([keras.Input(model.input_shape[1:]), *(model.get_layer(name) for name in ids)])
