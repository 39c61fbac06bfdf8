"""One step of a Keras optimizer as a function of plain tensors: what `stateless_apply` does on other backends.

With TensorFlow Keras refuses it, because its optimizer assigns through tf.distribute. Here those few methods are
exchanged for plain assignments, which a `StatelessScope` collects; the rules of all optimizers stay Keras's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dnnstudio.engine.optimizer_parts import StepMomentum, exchanged
from dnnstudio.engine.runtime import keras, tf

Tensors = list[Any]


class PureUpdate:
    """`optimizer`'s step over `variables`, without touching either."""

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: Sequence[Any], *, sets_momentum: bool) -> None:
        self._optimizer = optimizer
        self._variables = list(variables)
        self._sets_momentum = sets_momentum
        self.state = [variable for variable in optimizer.variables if variable is not optimizer.learning_rate]
        """The optimizer's variables that a step changes, in the order in which `step` takes and gives their values."""

    def step(
        self, gradients: Tensors, values: Tensors, state: Tensors, *, rate: Any, momentum: Any
    ) -> tuple[Tensors, Tensors]:
        """New values of the variables and of the optimizer's state."""
        optimizer = self._optimizer
        known = [*zip(self._variables, values, strict=True), *zip(self.state, state, strict=True)]
        parts: dict[str, Any] = {
            "assign": lambda variable, value: variable.assign(value),
            "assign_add": lambda variable, value: variable.assign(variable + value),
            "assign_sub": lambda variable, value: variable.assign(variable - value),
            # In a scope a Keras variable's `value` is a tensor, which has no identity; what lies below it has.
            "_var_key": lambda variable: variable._value._unique_id,
            "_all_reduce_sum_gradients": list,
            "_distributed_tf_update_step": self._update_all,
            "_update_model_variables_moving_average": self._average,
            "ema_overwrite_frequency": None,
        }
        if "_apply_weight_decay" not in vars(type(optimizer)):
            parts["_apply_weight_decay"] = self._decay
        if self._sets_momentum:
            parts["momentum"] = StepMomentum(momentum)
        self._overwrites_every = optimizer.ema_overwrite_frequency if optimizer.use_ema else None
        mapping = [*known, (optimizer.learning_rate, rate)]
        with exchanged(optimizer, **parts), keras.StatelessScope(state_mapping=mapping) as scope:
            optimizer.apply(gradients, self._variables)
        after = [value if (new := scope.get_current_value(variable)) is None else new for variable, value in known]
        return after[: len(values)], after[len(values) :]

    def _update_all(self, distribution: Any, pairs: Any, rate: Any) -> None:
        """In place of a pass through tf.distribute, which wants variables; `pairs` hold their values by now."""
        del distribution
        variables = self._optimizer_order(len(pairs))
        for (gradient, _), variable in zip(pairs, variables, strict=True):
            self._optimizer.update_step(gradient, variable, rate)

    def _optimizer_order(self, count: int) -> list[Any]:
        assert count == len(self._variables), "every trainable variable of a stack has a gradient"
        return self._variables

    def _decay(self, variables: Any) -> None:
        optimizer = self._optimizer
        if optimizer.weight_decay is None:
            return
        for variable in variables:
            if optimizer._use_weight_decay(variable):
                variable.assign(variable - variable * optimizer.weight_decay * optimizer.learning_rate)

    def _average(self, variables: Any) -> None:
        """The moving average, and now and then the weights set to it: no branch, which a scope cannot see into."""
        optimizer = self._optimizer
        type(optimizer)._update_model_variables_moving_average(optimizer, variables)
        if every := self._overwrites_every:
            now = tf.equal((optimizer.iterations + 1) % every, 0)
            for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
                if average is not None:
                    variable.assign(tf.where(now, average.value, variable.value))
