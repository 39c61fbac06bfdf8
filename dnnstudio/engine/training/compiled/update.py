"""One step of a Keras optimizer as a pure function of tensors: what `stateless_apply` does on other backends.

With TensorFlow, Keras refuses it because its optimizer assigns through tf.distribute. Here those few methods are
replaced by plain assignments, which a `StatelessScope` collects; the update rules remain Keras's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dnnstudio.engine.backend.keras_internals import assigns_plainly, averages_of, is_decayed, move_averages
from dnnstudio.engine.backend.optimizer_patches import StepMomentum, exchanged
from dnnstudio.engine.backend.runtime import keras, tf

Tensors = list[Any]


class PureUpdate:
    """The step of `optimizer` over `variables`, without changing either."""

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: Sequence[Any], *, sets_momentum: bool) -> None:
        self._optimizer = optimizer
        self._variables = list(variables)
        self._sets_momentum = sets_momentum
        self.state = [variable for variable in optimizer.variables if variable is not optimizer.learning_rate]
        """The optimizer's variables that a step changes, in the order in which `step` takes and gives their values."""

    def step(
        self,
        gradients: Tensors,
        values: Tensors,
        state: Tensors,
        *,
        rate: Any,
        momentum: Any,
        heed: Callable[[], None] = lambda: None,
    ) -> tuple[Tensors, Tensors]:
        """New values of the variables and of the optimizer's state. `heed` is called before each variable's."""
        optimizer = self._optimizer
        known = [*zip(self._variables, values, strict=True), *zip(self.state, state, strict=True)]

        def update_all(distribution: Any, pairs: Any, rate: Any) -> None:
            self._update_all(pairs, rate, heed)

        parts = assigns_plainly(optimizer, update=update_all, average=self._average, decay=self._decay)
        parts["ema_overwrite_frequency"] = None
        if self._sets_momentum:
            parts["momentum"] = StepMomentum(momentum)
        self._overwrites_every = optimizer.ema_overwrite_frequency if optimizer.use_ema else None
        mapping = [*known, (optimizer.learning_rate, rate)]
        with exchanged(optimizer, **parts), keras.StatelessScope(state_mapping=mapping) as scope:
            optimizer.apply(gradients, self._variables)
        after = [value if (new := scope.get_current_value(variable)) is None else new for variable, value in known]
        return after[: len(values)], after[len(values) :]

    def _update_all(self, pairs: Any, rate: Any, heed: Callable[[], None]) -> None:
        """Replaces the update through tf.distribute, which requires variables; `pairs` hold their values instead."""
        variables = self._optimizer_order(len(pairs))
        for (gradient, _), variable in zip(pairs, variables, strict=True):
            heed()
            self._optimizer.update_step(gradient, variable, rate)

    def _optimizer_order(self, count: int) -> list[Any]:
        assert count == len(self._variables), "every trainable variable of a stack has a gradient"
        return self._variables

    def _decay(self, variables: Any) -> None:
        optimizer = self._optimizer
        if optimizer.weight_decay is None:
            return
        for variable in variables:
            if is_decayed(optimizer, variable):
                variable.assign(variable - variable * optimizer.weight_decay * optimizer.learning_rate)

    def _average(self, variables: Any) -> None:
        """Update the moving average, and at intervals set the weights to it; without a branch, which a scope cannot
        trace.
        """
        optimizer = self._optimizer
        move_averages(optimizer, variables)
        if every := self._overwrites_every:
            now = tf.equal((optimizer.iterations + 1) % every, 0)
            for variable, average in zip(variables, averages_of(optimizer), strict=True):
                if average is not None:
                    variable.assign(tf.where(now, average.value, variable.value))
