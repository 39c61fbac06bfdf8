"""Every private member of Keras and TensorFlow that this program uses, each behind a public function.

pyproject.toml pins both libraries to one minor version because of them, and each has a test of its own, so that a
renamed member fails there and not during a training. Two more are inherited by
`standalone.layers.AdaptedNormalization`, which must not import this module: `Normalization._broadcast_shape` and
`_reduce_axis`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dnnstudio.engine.backend.runtime import keras


def clear_losses(model: keras.Model) -> None:
    """Discard the losses of the last call: they are tensors of its graph and must not leak out of it."""
    model._clear_losses()


# ------------------------------------------------------------------------------------------------------- optimizers


def sums_no_gradients() -> dict[str, Any]:
    """Replacements that stop an optimizer from summing gradients over replicas, of which there is only one.

    TensorFlow registers a gradient function for that sum under a new name at every trace, for ever, and keeps the whole
    graph with it: 1 MB per training.
    """
    return {"_all_reduce_sum_gradients": list}


def assigns_plainly(
    optimizer: keras.optimizers.Optimizer,
    *,
    update: Callable[[Any, Any, Any], None],
    average: Callable[[Any], None],
    decay: Callable[[Any], None],
) -> dict[str, Any]:
    """Replacements with which an optimizer's step does without tf.distribute, which requires variables.

    `update(distribution, pairs, rate)` replaces the loop over (gradient, variable) pairs, `average(variables)` the
    moving average, and `decay(variables)` weight decay if the optimizer has no rule of its own (AdamW has).
    """
    parts: dict[str, Any] = {
        "assign": lambda variable, value: variable.assign(value),
        "assign_add": lambda variable, value: variable.assign(variable + value),
        "assign_sub": lambda variable, value: variable.assign(variable - value),
        # In a stateless scope a Keras variable's `value` is a tensor without identity; the underlying variable has one.
        "_var_key": lambda variable: variable._value._unique_id,
        "_distributed_tf_update_step": update,
        "_update_model_variables_moving_average": average,
    }
    if "_apply_weight_decay" not in vars(type(optimizer)):
        parts["_apply_weight_decay"] = decay
    return sums_no_gradients() | parts


def is_decayed(optimizer: keras.optimizers.Optimizer, variable: Any) -> bool:
    """Whether the optimizer's weight decay applies to this variable; biases may be excluded by name."""
    return bool(optimizer._use_weight_decay(variable))


def move_averages(optimizer: keras.optimizers.Optimizer, variables: Any) -> None:
    """The optimizer's own update of the moving averages of the weights, even while it is replaced."""
    type(optimizer)._update_model_variables_moving_average(optimizer, variables)


def averages_of(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """The moving averages of the trainable variables, in order; None for a variable without one."""
    return list(optimizer._model_variables_moving_average)


# --------------------------------------------------------------------------------------------------- random numbers


@contextmanager
def untouched_random_state() -> Iterator[None]:
    """Context that restores every random generator Keras uses: Python's, NumPy's, TensorFlow's and Keras's."""
    # Not at module level: `engine.backend.runtime` must set the environment before TensorFlow is imported.
    from tensorflow.python.eager.context import context

    tf_state = context()
    python, numpy = random.getstate(), np.random.get_state()
    # TensorFlow has no public way to read them. `_rng` is not there before the process has set its first seed.
    seed, generator = tf_state._seed, getattr(tf_state, "_rng", None)
    operations = None if generator is None else generator.getstate()
    shared = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    drawn = None if shared is None else shared.state.numpy()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        tf_state._seed = seed
        if operations is not None:
            tf_state._rng.setstate(operations)
        elif hasattr(tf_state, "_rng"):
            del tf_state._rng
        keras.src.backend.common.global_state.set_global_attribute("global_seed_generator", shared)
        if shared is not None:
            shared.state.assign(drawn)
