"""Each private member of Keras and TensorFlow that is used, on its own: what a new version would break shows here."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from dnnstudio.engine.backend.keras_internals import (
    assigns_plainly,
    averages_of,
    clear_losses,
    is_decayed,
    move_averages,
    sums_no_gradients,
    untouched_random_state,
)
from dnnstudio.engine.backend.optimizer_patches import exchanged
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.standalone.layers import AdaptedNormalization


def plain(variable: Any) -> Any:
    return variable.numpy()


def test_cleared_losses_are_gone_until_the_next_call() -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activity_regularizer="l2")])
    model(np.ones((3, 2), np.float32))
    assert len(model.losses) == 1
    clear_losses(model)
    assert model.losses == []


def test_gradients_are_handed_on_without_being_summed_over_machines() -> None:
    class Watched(keras.optimizers.SGD):
        summed = 0

        def _all_reduce_sum_gradients(self, pairs: Any) -> Any:
            Watched.summed += 1
            return super()._all_reduce_sum_gradients(pairs)

    optimizer, variable = Watched(0.5), keras.Variable([1.0])
    optimizer.apply([tf.constant([1.0])], [variable])
    assert Watched.summed == 1  # Keras asks the method of this name, so exchanging it has an effect
    with exchanged(optimizer, **sums_no_gradients()):
        optimizer.apply([tf.constant([1.0])], [variable])
    assert Watched.summed == 1
    np.testing.assert_allclose(plain(variable), [0.0])


@pytest.mark.parametrize("kind", [keras.optimizers.SGD, keras.optimizers.Adam, keras.optimizers.AdamW])
def test_every_exchanged_method_is_one_that_the_optimizer_asks(kind: type) -> None:
    """A step is taken with all of them exchanged; each notes that it was asked, and none is a new name."""
    asked: set[str] = set()
    optimizer, variable = kind(0.5, weight_decay=0.1, use_ema=True), keras.Variable([2.0])
    optimizer.build([variable])

    def update(distribution: Any, pairs: Any, rate: Any) -> None:
        del distribution
        asked.add("update")
        for gradient, _ in pairs:
            optimizer.update_step(gradient, variable, rate)

    parts = assigns_plainly(
        optimizer,
        update=update,
        average=lambda variables: asked.add("average"),
        decay=lambda variables: asked.add("decay"),
    )
    assert [name for name in parts if not hasattr(optimizer, name)] == []
    with exchanged(optimizer, **parts):
        optimizer.apply([tf.constant([1.0])], [variable])
    assert asked == {"update", "average", "decay"}


def test_an_optimizer_keeps_its_own_rule_of_weight_decay() -> None:
    """As Muon, which decays some weights by another rule."""
    kinds = (keras.optimizers.SGD(0.1), keras.optimizers.Muon(0.1))
    parts = [assigns_plainly(kind, update=print, average=print, decay=print) for kind in kinds]
    assert ["_apply_weight_decay" in names for names in parts] == [True, False]


def test_a_variable_keeps_its_identity_in_a_scope() -> None:
    optimizer, variable = keras.optimizers.Adam(0.1), keras.Variable([1.0])
    key = assigns_plainly(optimizer, update=print, average=print, decay=print)["_var_key"]
    outside = optimizer._var_key(variable)
    with keras.StatelessScope(state_mapping=[(variable, tf.constant([5.0]))]):
        assert key(variable) == outside


def test_weight_decay_leaves_out_what_it_was_told_to() -> None:
    optimizer = keras.optimizers.SGD(0.1, weight_decay=0.1)
    kernel, bias = keras.Variable([1.0], name="kernel"), keras.Variable([1.0], name="bias")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build([kernel, bias])
    assert (is_decayed(optimizer, kernel), is_decayed(optimizer, bias)) == (True, False)


def test_moving_averages_move_by_the_momentum() -> None:
    optimizer, variable = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.75), keras.Variable([4.0])
    optimizer.build([variable])
    optimizer.iterations.assign(1)  # at the first step the average is the weight itself
    (average,) = averages_of(optimizer)
    start = plain(average)
    move_averages(optimizer, [variable])
    np.testing.assert_allclose(plain(average), 0.75 * start + 0.25 * 4.0, rtol=1e-6)


def test_random_numbers_go_on_as_if_nothing_had_been_drawn() -> None:
    def draw() -> list[float]:
        layer = keras.layers.Dense(1)
        layer.build((None, 1))  # draws from Keras's shared generator
        # TensorFlow gives each random operation the next seed of its own generator.
        seeds = tf.compat.v1.get_seed(None)
        numbers = [random.random(), float(np.random.random()), *map(float, seeds)]
        return [*numbers, float(plain(layer.kernel)[0, 0]), float(keras.random.uniform([]))]

    keras.utils.set_random_seed(3)
    draw()
    keras.utils.set_random_seed(3)
    with untouched_random_state():
        inside = draw()
    assert draw() == inside
    assert draw() != inside


def test_keras_keeps_the_reduced_axes_that_the_own_normalization_reads() -> None:
    layer = AdaptedNormalization(axis=-1)
    rows = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    layer.adapt(rows)
    assert layer.reduced_axes == (0, 1)
    assert tuple(layer._broadcast_shape) == (1, 1, 3)
    expected = (rows - rows.mean(axis=(0, 1))) / rows.std(axis=(0, 1))
    np.testing.assert_allclose(np.asarray(layer(rows)), expected, rtol=1e-5)
