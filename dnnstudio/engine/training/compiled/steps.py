"""Many steps in one compiled function. Weights, averages and the optimizer's state are passed in and out as tensors.

The compiled part, a `Program`, depends only on the shapes and rules of the network it was traced with, so that the next
training of a similar network reuses it. TensorFlow never frees compiled XLA code: without this reuse every training
would leak several megabytes.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import astuple
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import Cancelled
from dnnstudio.engine.backend.objective import Objective
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.training.aside import AsideInTwo
from dnnstudio.engine.training.compiled.feeding import Feeder
from dnnstudio.engine.training.compiled.folding import Folded, folded_place
from dnnstudio.engine.training.compiled.forward import Batch, forward
from dnnstudio.engine.training.compiled.noise import NoiseStream, active_noise
from dnnstudio.engine.training.compiled.one_core import OneCore
from dnnstudio.engine.training.compiled.padding import Stack, cut, filled, widened, wider
from dnnstudio.engine.training.compiled.update import PureUpdate

MOST_STEPS = 128
"""In one call. Between two of them two to four milliseconds go by, in Python and in waking threads."""
MOST_NUMBERS = 2**22
"""Of one call's rows: twice as many lie in memory, of this call and of the next."""
MOST_WORK = 8e9
"""Multiplications and additions of one call, some 80 ms: stop and pause wait for it."""
SMALL_STEP = 2**24
"""Weights times rows of a step that one core takes quicker than several."""


PROGRAMS_KEPT = 4


def _unheeding() -> None:
    """While nobody may give up what is traced."""


class Carried:
    """The variables of a network and its optimizer, in the groups and order of a program's arguments."""

    def __init__(self, model: keras.Sequential | Stack, update: PureUpdate) -> None:
        self.trained = list(model.trainable_variables)
        self.averages = [
            average
            for layer in model.layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
            for average in (layer.moving_mean, layer.moving_variance)
        ]
        self.state = update.state
        moving = {id(variable) for variable in (*self.trained, *self.averages)}
        # What is left are frozen weights, and counters of random numbers, which stay outside.
        self.fixed = [v for v in model.variables if id(v) not in moving and v.dtype == "float32"]

    @property
    def moving(self) -> tuple[list[Any], list[Any], list[Any]]:
        """The variables that a step changes."""
        return self.trained, self.averages, self.state


class CompiledSteps:
    """Steps of `model` by `optimizer`, on batches of at most `batch` rows; compiled by `prepare` or the first call."""

    def __init__(
        self,
        model: keras.Sequential,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        *,
        batch: int,
        sets_momentum: bool = False,
    ) -> None:
        self._batch = batch
        self._carried = Carried(model, PureUpdate(optimizer, model.trainable_variables, sets_momentum=sets_momentum))
        self._program = program_for(model, optimizer, objective, batch=batch, sets_momentum=sets_momentum)
        self._noises = noises_of(model, batch, self._program.layers)
        self._capacity = self._program.capacity
        self._small = weights_of(model) * batch < SMALL_STEP
        self._feeder: Feeder | None = None
        self._call: Any = None
        self._compiling: AsideInTwo | None = None
        self._given_up = False
        self._expected: NDArray[np.int32] | None = None

    def prepare(self, x: tf.Tensor, y: tf.Tensor) -> None:
        """Start tracing and compiling in a thread for `x` [n, *shape] and `y` [n, …], so that the caller stays
        responsive.

        No variable is changed. What it raises, `run` raises again.
        """
        self._given_up = False

        def traced() -> Callable[[], object]:
            fed = self._made_ready(x, y)
            return partial(self._call, *fed)

        self._compiling = AsideInTwo(traced, "compiling the steps")

    def give_up(self) -> None:
        """Nobody waits for the steps any more: what is being traced ends at its next layer."""
        self._given_up = True

    @property
    def begun(self) -> bool:
        """Whether `prepare` was called, or `run`."""
        return self._compiling is not None or self._call is not None

    def is_prepared_within(self, seconds: float) -> bool:
        """Whether a call of `run` starts at once, or raises: now, or so many seconds from now."""
        return self.begun and (self._compiling is None or self._compiling.is_done_within(seconds))

    @property
    def capacity(self) -> int:
        """The most steps per call. A call with fewer steps gathers and draws just as much."""
        return self._capacity

    def expect(self, rows: NDArray[np.int32]) -> None:
        """Announce the probable `rows`, int32 [steps, batch], of the next `run`, which are then prepared meanwhile."""
        self._expected = rows

    def run(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        rows: NDArray[np.int32],
        rates: NDArray[np.floating],
        momenta: NDArray[np.floating],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One step for each line of `rows`, int32 [steps, batch], with its rate and momentum [steps], on `x` and `y`
        [n, …].

        Each step's loss, float32 [steps], and metric, float32 [steps] or of numbers [steps, 2], as the eager loop gives
        them.
        """
        if self._compiling is not None:
            self._compiling.join()
            self._compiling = None
        if self._call is None:
            self._given_up = False
            self._made_ready(x, y)
        assert self._feeder is not None
        parts = [slice(start, start + self._capacity) for start in range(0, len(rows), self._capacity)]
        following = [rows[part] for part in parts[1:]] + [self._expected]
        self._expected = None
        losses, metrics = [], []
        for part, after in zip(parts, following, strict=True):
            count, fed = len(rows[part]), self._feeder.feed(rows[part])
            if after is not None:
                self._feeder.expect(after, after=count)
            done = self._call(*fed, self._numbers(rows[part], rates[part], momenta[part]))
            losses.append(done[0].numpy()[:count])
            metrics.append(done[1].numpy()[:count])
        return np.concatenate(losses), np.concatenate(metrics)

    def release(self) -> None:
        """Release the data; no step can be run afterwards."""
        if self._compiling is not None:
            self.give_up()
            self._compiling.join_first()
        if self._feeder is not None:
            self._feeder.close()
        self._call = self._compiling = self._feeder = None

    def _made_ready(self, x: tf.Tensor, y: tf.Tensor) -> tuple[Any, ...]:
        """Trace what gathers and draws, and the steps: what a call of no step is given, which compiles them."""
        noises = list(self._noises.values())
        if self._feeder is not None:  # of an attempt that failed
            self._feeder.close()
        self._feeder = Feeder(x, y, noises, capacity=self._capacity, batch=self._batch, ahead=self._small)
        none = np.zeros((0, self._batch), np.int32)
        fed = (*self._feeder.feed(none), self._numbers(none, np.zeros(0), np.zeros(0)))
        self._program.heed = self._heed
        try:
            if self._small:
                self._call = OneCore(self._with_variables, (0,), fed)
            else:
                call = tf.function(lambda *fed: self._with_variables(0, *fed), autograph=False)
                traced = call.get_concrete_function(*map(tf.constant, fed))
                self._call = lambda *fed: traced(*map(tf.constant, fed))
        finally:
            self._program.heed = _unheeding
        return fed

    def _heed(self) -> None:
        """Raises `Cancelled` within a trace that nobody waits for."""
        if self._given_up:
            raise Cancelled

    def _numbers(
        self, rows: NDArray[np.int32], rates: NDArray[np.floating], momenta: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Steps and rows of a batch, and below them rates and momenta, filled up to the size of all calls.

        In one array, since handing in an array takes longer than filling it.
        """
        count, _ = rows.shape
        numbers = np.zeros((self._capacity + 1, 2), np.float32)
        numbers[0] = rows.shape
        numbers[1 : count + 1] = np.stack([rates, momenta], axis=1)
        return numbers

    def _with_variables(self, _: Any, x: tf.Tensor, y: tf.Tensor, *given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The part outside XLA: variables read before and assigned after."""
        *drawn, numbers = given
        count, width = tf.unstack(tf.cast(numbers[0], tf.int32))
        *after, losses, metrics = self._program.steps(
            x,
            y,
            width,
            count,
            numbers[1:],
            drawn,
            [variable.value for variable in self._carried.fixed],
            *([variable.value for variable in group] for group in self._carried.moving),
        )

        def keep() -> tf.Tensor:
            for group, values in zip(self._carried.moving, after, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            for noise in self._noises.values():
                noise.advance(tf.cast(count, noise.state.dtype))
            return count

        # A call of no step is for compiling alone: it may end when somebody else is at the variables.
        tf.cond(count > 0, keep, lambda: count)
        return losses, metrics


def weights_of(model: keras.Sequential) -> int:
    """The number of values that a step changes."""
    return sum(prod(variable.shape) for variable in model.trainable_variables)


def noises_of(
    model: keras.Sequential | Stack, batch: int, widened: Sequence[keras.layers.Layer] | None = None
) -> dict[int, NoiseStream]:
    """The random numbers of a network's random layers, by index; `widened` are the padded layers they are for."""
    noises, shape = {}, (batch, *model.input_shape[1:])
    wide = shape
    for place, (layer, other) in enumerate(zip(model.layers, widened or model.layers, strict=True)):
        if active_noise(layer) is not None:
            noises[place] = NoiseStream(layer, shape, index=place, width=wide[-1])
        shape, wide = layer.compute_output_shape(shape), other.compute_output_shape(wide)
    return noises


_programs: OrderedDict[str, Program] = OrderedDict()


def program_for(
    model: keras.Sequential,
    optimizer: keras.optimizers.Optimizer,
    objective: Objective,
    *,
    batch: int,
    sets_momentum: bool,
) -> Program:
    """The program of an earlier training if one fits, else a new one."""

    def rules(part: Any) -> dict[str, Any]:
        """Everything a step depends on, apart from names, initial values, and arguments of the call."""
        config = part.get_config().items()
        free = ("name", "seed", "learning_rate")
        return {key: value for key, value in config if key not in free and not key.endswith("_initializer")}

    kinds = [type(part).__name__ for part in (*model.layers, optimizer)]
    layers = [rules(layer) for layer in model.layers]
    about = [kinds, layers, rules(optimizer), model.input_shape, *astuple(objective), batch, sets_momentum]
    key = json.dumps(about, default=repr, sort_keys=True)
    if key not in _programs:
        _programs[key] = Program(model, optimizer, objective, batch=batch, sets_momentum=sets_momentum)
    _programs.move_to_end(key)
    while len(_programs) > PROGRAMS_KEPT:
        _programs.popitem(last=False)
    return _programs[key]


class Program:
    """The compiled steps of all networks of one shape with the rules of one optimizer."""

    def __init__(
        self,
        model: keras.Sequential,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        *,
        batch: int,
        sets_momentum: bool,
    ) -> None:
        work = 6 * batch * weights_of(model)
        fits = min(MOST_NUMBERS // (batch * prod(model.input_shape[1:])), MOST_WORK // work)
        self.capacity = int(np.clip(fits, 1, MOST_STEPS))
        self._batch = batch
        self._objective = objective
        units = wider(model.layers, optimizer)
        stack, optimizer = widened(model, optimizer, units) if units else (model, optimizer)
        self.layers = list(stack.layers)
        self._folded = folded_place(self.layers)
        self._noises = noises_of(stack, batch)
        self._update = PureUpdate(optimizer, stack.trainable_variables, sets_momentum=sets_momentum)
        carried = Carried(stack, self._update)
        self._fixed, self._trained, self._averages = carried.fixed, carried.trained, carried.averages
        self._moving = carried.moving
        self.heed: Callable[[], None] = _unheeding
        """Called at each layer of a trace, which what it raises ends."""
        self.steps = tf.function(self._many_steps, jit_compile=True, autograph=False)

    def _many_steps(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        width: tf.Tensor,
        count: tf.Tensor,
        numbers: tf.Tensor,
        drawn: list[tf.Tensor],
        fixed: list[tf.Tensor],
        trained: list[tf.Tensor],
        averages: list[tf.Tensor],
        state: list[tf.Tensor],
    ) -> tuple[Any, ...]:
        batch = Batch.of(self._batch, width)
        given = trained, averages, state
        fixed = filled(fixed, self._fixed)
        wide = [filled(values, like) for values, like in zip(given, self._moving, strict=True)]

        def body(step: Any, trained: Any, averages: Any, state: Any, losses: Any, metrics: Any) -> tuple[Any, ...]:
            noises = {
                place: (noise, numbers[step])
                for (place, noise), numbers in zip(self._noises.items(), drawn, strict=True)
            }
            loss, metric, gradients, averages = self._learn(x[step], y[step], batch, noises, fixed, trained, averages)
            trained, state = self._update.step(
                gradients, trained, state, rate=numbers[step, 0], momentum=numbers[step, 1], heed=self.heed
            )
            here = step[None, None]
            losses = tf.tensor_scatter_nd_update(losses, here, loss[None])
            metrics = tf.tensor_scatter_nd_update(metrics, here, metric[None])
            return step + 1, trained, averages, state, losses, metrics

        figures = (self.capacity, 2) if self._objective.measures_numbers else (self.capacity,)
        first = (tf.constant(0), *wide, tf.zeros(self.capacity), tf.zeros(figures))
        _, *after, losses, metrics = tf.while_loop(lambda step, *_: step < count, body, first, parallel_iterations=1)
        return *(cut(values, like) for values, like in zip(after, given, strict=True)), losses, metrics

    def _learn(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        batch: Batch,
        noises: dict[int, tuple[NoiseStream, Any]],
        fixed: list[tf.Tensor],
        trained: list[tf.Tensor],
        averages: list[tf.Tensor],
    ) -> tuple[Any, Any, Any, Any]:
        """Loss, metric, gradients and moved averages of one batch."""
        mapping = [
            *zip(self._fixed, fixed, strict=True),
            *zip(self._trained, trained, strict=True),
            *zip(self._averages, averages, strict=True),
        ]
        with tf.GradientTape() as tape, keras.StatelessScope(state_mapping=mapping) as scope:
            folded = self._folded_layers()
            tape.watch([trained, [pair.hole for pair in folded.values()]])
            outputs, prices = forward(self.layers, x, batch, noises, folded, self.heed)
            loss = batch.mean(self._objective.row_losses(y, outputs))
            prices += [v.regularizer(v.value) for v in self._trained if v.regularizer is not None]
            if prices:
                loss += tf.add_n(prices)
            gradients, holes = tape.gradient(loss, [trained, [pair.hole for pair in folded.values()]])
            for pair, upstream in zip(folded.values(), holes, strict=True):
                for variable, gradient in pair.gradients(upstream):
                    place = next(place for place, other in enumerate(self._trained) if other is variable)
                    known = gradients[place]  # of a weight penalty
                    gradients[place] = gradient if known is None else known + gradient
        metric = batch.share(self._objective.row_metrics(y, outputs))
        moved = [scope.get_current_value(average) for average in self._averages]
        return loss, metric, gradients, moved

    def _folded_layers(self) -> dict[int, Folded]:
        if self._folded is None:
            return {}
        norm, dense = self.layers[self._folded : self._folded + 2]
        return {self._folded: Folded(norm, dense, self._batch)}
