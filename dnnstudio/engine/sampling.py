"""Monte Carlo dropout: many passes with the dropout layers switched on and everything else as when predicting.

Gal and Ghahramani, 2016. Calling the model with `training=True` would also normalize by the batch and move batch
normalization's averages; here only dropout is random, and no variable of the model is touched, not even the state of
a seed generator: every mask has a stream of its own, of (seed, pass, block of rows, layer). So a pass is the same
whether it is drawn alone or among others.

NumPy draws the masks: its SFC64 makes random bits about five times quicker than TensorFlow's generators. With one mask
a pass, units that are dropped are not computed at all: their columns and rows are left out of the kernels. With own
masks whole blocks are worked at side by side, each on a core of its own and compiled where XLA is quick at the layers:
less than two thirds of what they take one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.core.uncertainty.scores import with_both_classes
from dnnstudio.engine.fast.reasons import why_not
from dnnstudio.engine.runtime import keras, tf
from dnnstudio.engine.side_by_side import CAN_GIVE_WAY, SideBySide

BLOCK = {"independent": 1000, "one_a_pass": 5000}
"""Rows of one forward pass. Part of what the masks depend on: another number gives other samples."""
PART = 250
"""Rows of a block that are worked at together without XLA, so that what passes between the layers stays in a cache."""
Work = tuple[int, int, Any]
"""A pass, a block of rows, and what comes before the first random layer for these rows."""
DROPPED_OF = 65536
"""Dropout decides by 16 bits: a rate is met to 1 in 131,072."""
KEPT_BYTES = 96 * 2**20
"""What comes before the first dropout layer is kept between passes up to this size, and computed anew beyond."""
SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772
"""Where SELU ends on the left: −scale · alpha. Alpha dropout drops units to it (Klambauer et al., 2017)."""


def random_layers(model: keras.Sequential) -> list[keras.layers.Layer]:
    """The dropout layers of a model whose rate is above zero, Monte Carlo kinds included."""
    kinds = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
    return [layer for layer in model.layers if isinstance(layer, kinds) and layer.rate > 0]


class Sampler:
    """Draws passes of one model. Compiled once, used for any rows."""

    def __init__(self, model: keras.Sequential, *, masks: Masks = "independent", beside_window: bool = False) -> None:
        """`beside_window`: the threads that work at whole blocks side by side give way to the window's own; where the
        system cannot do that, one thread asks for everything. Raises `UserError` where nothing in the model is random.
        """
        self.model = model
        self.masks = masks
        self._random = random_layers(model)
        if not self._random:
            raise UserError(
                "This network has no dropout layer, so every pass would say the same.",
                "Add a Dropout layer and train it, or make the rate of the one it has larger than 0.",
            )
        self._layers = list(model.layers)
        first = self._layers.index(self._random[0])
        self._before, self._after = self._layers[:first], self._layers[first:]
        self._units = _inputs_of(model)
        self._folded, self._narrowed = _short_cuts(self._after, self._random, self._units)
        # Where one mask is folded into the kernel, so is what makes up for its dropped units.
        self._made_up = masks == "independent" and isinstance(self._random[0], keras.layers.Dropout)
        self._gives_way = beside_window
        self._apart = masks == "independent" and (CAN_GIVE_WAY or not beside_window)
        self._side_by_side: SideBySide | None = None
        self._fixed = tf.function(self._prefix, autograph=False, reduce_retracing=True)
        narrow = masks == "one_a_pass"
        self._stochastic = tf.function(
            self._narrow_pass if narrow else self._pass, autograph=False, reduce_retracing=True
        )
        self._tiled = tf.function(self._pass, autograph=False, reduce_retracing=True)
        self._plain = tf.function(self._without_dropout, autograph=False, reduce_retracing=True)

    def deterministic(self, x: NDArray[np.float32], *, control: Control | None = None) -> NDArray[np.float32]:
        """The prediction with dropout off: [rows, classes]."""
        return np.concatenate([self._outputs(self._plain(block)) for _, block in self._blocks(x, control)])

    def passes(
        self, x: NDArray[np.float32], first: int, count: int, *, seed: int, control: Control | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """The passes numbered `first` … `first + count − 1`, one by one: each [rows, classes].

        `control` is looked at between blocks of rows. Raises `Cancelled` once it is stopped.
        """
        kept: list[tuple[int, Any]] = []
        for index, block in self._prepared(x, control):
            kept.append((index, block))
            if len(x) * block.dtype.size * int(np.prod(block.shape[1:])) > KEPT_BYTES:
                kept.clear()
                break
        work = (
            (number, index, block)
            for number in range(first, first + count)
            for index, block in kept or self._prepared(x, control)
        )
        one = np.empty(0, np.float32)
        for (_, index, block), tensor in self._worked(work, seed):
            if control is not None:
                control.check()
            outputs = self._outputs(tensor)
            begin = index * BLOCK[self.masks]
            one = one if begin else np.empty((len(x), outputs.shape[1]), np.float32)
            one[begin : begin + len(block)] = outputs
            if begin + len(block) == len(x):
                yield one

    def many_of_one(self, row: NDArray[np.float32], count: int, *, seed: int, first: int = 0) -> NDArray[np.float32]:
        """Many passes of a single row at once: [count, classes]. The row is tiled into one batch."""
        tiled = tf.repeat(self._fixed(row[None]), count, axis=0)
        return self._outputs(self._tiled(tiled, self._numbers(seed, first, -1, tiled)))

    # -------------------------------------------------------------------------------------- inside

    def _blocks(self, x: NDArray[np.float32], control: Control | None) -> Iterator[tuple[int, Any]]:
        size = BLOCK[self.masks]
        for index, start in enumerate(range(0, len(x), size)):
            if control is not None:
                control.check()
            yield index, tf.convert_to_tensor(x[start : start + size])

    def _prepared(self, x: NDArray[np.float32], control: Control | None) -> Iterator[tuple[int, Any]]:
        return ((index, self._fixed(block)) for index, block in self._blocks(x, control))

    def _worked(self, work: Iterator[Work], seed: int) -> Iterator[tuple[Work, Any]]:
        """Each piece of work with its outputs, in order: whole blocks with own masks side by side on all cores."""
        for whole, pieces in groupby(work, lambda piece: len(piece[2]) == BLOCK["independent"]):
            if whole and self._apart:
                yield from self._on_all_cores(pieces, seed)
            else:
                for piece in pieces:
                    yield piece, self._stochastic(piece[2], self._numbers(seed, *piece))

    def _on_all_cores(self, pieces: Iterator[Work], seed: int) -> Iterator[tuple[Work, Any]]:
        def given(piece: Work) -> tuple[Any, ...]:
            return piece[2], *self._numbers(seed, *piece)

        first = next(pieces)
        if self._side_by_side is None:
            compiled = not why_not(self.model)
            one_pass = self._at_once if compiled else self._in_parts
            work = tf.function(one_pass, autograph=False, jit_compile=compiled)
            self._side_by_side = SideBySide(work, given(first), gives_way=self._gives_way)
        yield from self._side_by_side.map(chain([first], pieces), given)

    def _at_once(self, x: Any, *numbers: Any) -> Any:
        return self._pass(x, list(numbers))

    def _in_parts(self, x: Any, *numbers: Any) -> Any:
        """A pass over a block, so few rows at a time that they stay in a core's cache."""
        parts = [slice(start, start + PART) for start in range(0, x.shape[0], PART)]
        return tf.concat([self._pass(x[part], [drawn[part] for drawn in numbers]) for part in parts], 0)

    def _numbers(self, seed: int, number: int, block: int, rows: Any) -> list[Any]:
        """The random numbers of one pass over one block, for each random layer: which units stay, or normal ones.

        One mask a pass is the same for every block of `rows`. A single row that is tiled is block −1.
        """
        shared = self.masks == "one_a_pass" and block >= 0
        numbers: list[Any] = []
        for place, layer in enumerate(self._random):
            source = np.random.SFC64(np.random.SeedSequence([seed, number, 0 if shared else block + 2, place]))
            shape = (1 if shared else len(rows), *self._units[layer])
            size = int(np.prod(shape))
            if isinstance(layer, keras.layers.GaussianDropout):
                normal = np.random.Generator(source).standard_normal(size, dtype=np.float32)
                numbers.append(tf.constant(normal.reshape(shape)))
            else:
                bits = source.random_raw(-(-size // 4)).view(np.uint16)[:size]
                numbers.append(tf.constant((bits >= round(layer.rate * DROPPED_OF)).reshape(shape)))
        return numbers

    @staticmethod
    def _outputs(tensor: Any) -> NDArray[np.float32]:
        return np.asarray(with_both_classes(np.asarray(tensor)), dtype=np.float32)

    def _prefix(self, x: Any) -> Any:
        """Everything before the first random layer, and what makes up for its dropped units: the same in every pass."""
        for layer in self._before:
            x = layer(x, training=False)
        return x * _gain(self._random[0]) if self._made_up else x

    def _without_dropout(self, x: Any) -> Any:
        for layer in self._layers:
            if layer not in self._random:
                x = layer(x, training=False)
        return x

    def _pass(self, x: Any, numbers: list[Any]) -> Any:
        drawn = dict(zip(self._random, numbers, strict=True))
        for layer in self._after:
            if layer is self._random[0] and self._made_up:
                x = tf.where(drawn[layer], x, 0.0)
            else:
                x = _drop(layer, x, drawn[layer]) if layer in drawn else layer(x, training=False)
        return x

    def _narrow_pass(self, x: Any, numbers: list[Any]) -> Any:
        """One mask for all rows: folded into the kernel that follows, its dropped units left out where they can be."""
        drawn = dict(zip(self._random, numbers, strict=True))
        strengths: Any = None
        rows: Any = None
        for layer in self._after:
            if layer in self._folded:
                kept = drawn[layer][0]
                strengths = tf.cast(kept, tf.float32) * _gain(layer)
                rows = tf.where(kept)[:, 0] if layer in self._narrowed.values() else None
            elif layer in drawn:
                x = _drop(layer, x, drawn[layer])
            elif strengths is None and layer not in self._narrowed:
                x = _without_units(layer, x)
            else:
                kernel, bias = layer.kernel.value, layer.bias.value if layer.use_bias else None
                if strengths is not None:
                    kernel = kernel * strengths[:, None]
                    kernel = kernel if rows is None else tf.gather(kernel, rows)
                if layer in self._narrowed:
                    dropout = self._narrowed[layer]
                    columns = tf.where(drawn[dropout][0])[:, 0]
                    kernel = tf.gather(kernel, columns, axis=1)
                    bias = None if bias is None else tf.gather(bias, columns)
                x = tf.linalg.matmul(x, kernel)
                x = layer.activation(x if bias is None else x + bias)
                strengths = rows = None
        return x


def _inputs_of(model: keras.Sequential) -> dict[Any, tuple[int, ...]]:
    """The shape of one row as it comes into each layer."""
    shapes, shape = {}, model.input_shape
    for layer in model.layers:
        shapes[layer] = tuple(shape[1:])
        shape = layer.compute_output_shape(shape)
    return shapes


def _short_cuts(
    layers: list[Any], random: list[Any], units: dict[Any, tuple[int, ...]]
) -> tuple[set[Any], dict[Any, Any]]:
    """What one mask a pass makes shorter: the dropouts whose mask goes into the kernel of the dense layer behind, and
    the dense layers, each with its dropout, of which only the kept units need to be computed.
    """
    folded, narrowed = set(), {}
    for index, layer in enumerate(layers[:-1]):
        behind = layers[index + 1]
        plain = layer in random and isinstance(layer, keras.layers.Dropout) and len(units[layer]) == 1
        if not (plain and type(behind) is keras.layers.Dense):
            continue
        folded.add(layer)
        before = index - 1
        while before >= 0 and _acts_on_each_number(layers[before]):
            before -= 1
        if before >= 0 and type(layers[before]) is keras.layers.Dense and layers[before].activation not in WHOLE_ROW:
            narrowed[layers[before]] = layer
    return folded, narrowed


WHOLE_ROW = (keras.activations.softmax, keras.activations.log_softmax)
"""Activations that look at all units of a row at once."""


def _acts_on_each_number(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Activation):
        return layer.activation not in WHOLE_ROW
    return isinstance(layer, keras.layers.LeakyReLU | keras.layers.ELU | keras.layers.ReLU)


def _without_units(layer: Any, x: Any) -> Any:
    """A layer's output when predicting, also on the kept units alone, which `__call__` would refuse."""
    return layer(x, training=False) if not _acts_on_each_number(layer) else layer.call(x)


def _gain(layer: Any) -> float:
    """What makes up for the dropped units, so that the mean stays."""
    return float(1 / (1 - layer.rate))


def _drop(layer: Any, x: Any, numbers: Any) -> Any:
    if isinstance(layer, keras.layers.GaussianDropout):
        return x * (1 + numbers * float(np.sqrt(layer.rate / (1 - layer.rate))))
    if isinstance(layer, keras.layers.AlphaDropout):
        # Keras's own constants, so that mean and variance stay as they are.
        scale = float(((1 - layer.rate) * (1 + layer.rate * SELU_FLOOR**2)) ** -0.5)
        return scale * tf.where(numbers, x, SELU_FLOOR) - scale * SELU_FLOOR * layer.rate
    return tf.where(numbers, x * _gain(layer), 0.0)
