"""Monte Carlo dropout: many passes with dropout active and everything else in inference mode.

Gal and Ghahramani, 2016. Calling the model with `training=True` would also normalize by the batch and update batch
normalization's averages; here only dropout is random and no variable of the model is changed, not even a seed
generator's state: every mask has its own random stream, derived from (seed, pass, block of rows, layer). So a pass is
the same whether it is drawn alone or among others.

NumPy draws the masks: its SFC64 is about five times faster than TensorFlow's generators. With one mask per pass,
dropped units are not computed at all: their columns and rows are left out of the kernels. With a mask per row, blocks
are processed in parallel, one per core, and compiled if XLA is fast for the layers: this takes less than two thirds of
the sequential time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import NoiseForm
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.core.uncertainty.scores import with_both_classes
from dnnstudio.engine.backend.layer_types import kind_of_layer
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.backend.noise import Noise, first_kept, gain, random_layers
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.sampling.parallel import CAN_GIVE_WAY, ParallelCalls
from dnnstudio.engine.training.compiled.reasons import why_not

BLOCK = {"independent": 1000, "one_a_pass": 5000}
"""Rows per forward pass, at most: fewer where layers are large. The masks depend on it: another number gives other
samples."""
PART = 250
"""Rows processed together without XLA, so that the activations between layers stay in the cache."""
Work = tuple[int, int, Any]
"""A pass, a block of rows, and the output of the layers before the first random one for these rows."""
KEPT_BYTES = 96 * 2**20
"""The outputs before the first dropout layer are cached between passes up to this size, else recomputed."""


class Sampler:
    """Draws passes of one model. Compiled once, used for any rows."""

    def __init__(self, model: keras.Sequential, *, masks: Masks = "independent", beside_window: bool = False) -> None:
        """Raises `UserError` if nothing in the model is random, or one row does not fit into memory on its way.

        `beside_window`: worker threads that process blocks in parallel get a lower priority than the window's thread;
        if the system cannot do that, blocks are processed one after the other.
        """
        self.model = model
        self.masks = masks
        self._block = rows_at_once(model, BLOCK[masks])
        self._random = random_layers(model)
        if not self._random:
            raise UserError(
                "This network has no dropout layer, so every pass would say the same.",
                "Add a Dropout layer and train it, or make the rate of the one it has larger than 0.",
            )
        self._layers = list(model.layers)
        self._first = next(iter(self._random))
        first = self._layers.index(self._first)
        self._before, self._after = self._layers[:first], self._layers[first:]
        self._units = _inputs_of(model)
        self._folded, self._narrowed = _short_cuts(self._after, self._random, self._units)
        # If the mask is folded into the kernel, so is the scaling by 1 / (1 − rate).
        self._made_up = masks == "independent" and self._random[self._first].form is NoiseForm.DROPOUT
        self._gives_way = beside_window
        self._apart = masks == "independent" and (CAN_GIVE_WAY or not beside_window)
        self._parallel_calls: ParallelCalls | None = None
        self._fixed = tf.function(self._prefix, autograph=False, reduce_retracing=True)
        narrow = masks == "one_a_pass"
        self._stochastic = tf.function(
            self._narrow_pass if narrow else self._pass, autograph=False, reduce_retracing=True
        )
        self._plain = tf.function(self._without_dropout, autograph=False, reduce_retracing=True)

    def deterministic(self, x: NDArray[np.float32], *, control: Control | None = None) -> NDArray[np.float32]:
        """The prediction for `x` [rows, *shape] with dropout off: [rows, classes]."""
        return np.concatenate([self._outputs(self._plain(block)) for _, block in self._blocks(x, control)])

    def passes(
        self,
        x: NDArray[np.float32],
        first: int,
        count: int,
        *,
        seed: int,
        control: Control | None = None,
        first_block: int = 0,
    ) -> Iterator[NDArray[np.float32]]:
        """The passes numbered `first` … `first + count − 1` over `x` [rows, *shape], one by one: each [rows, classes].

        Where the rows come a block at a time, `first_block` is the number of this one: its masks are then those that
        it would have among all of them. `control` is polled between blocks of rows. Raises `Cancelled` once it is
        stopped.
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
        for (_, index, block), tensor in self._worked(work, seed, first_block):
            if control is not None:
                control.check()
            outputs = self._outputs(tensor)
            begin = index * self._block
            one = one if begin else np.empty((len(x), outputs.shape[1]), np.float32)
            one[begin : begin + len(block)] = outputs
            if begin + len(block) == len(x):
                yield one

    # -------------------------------------------------------------------------------------- inside

    def _blocks(self, x: NDArray[np.float32], control: Control | None) -> Iterator[tuple[int, Any]]:
        size = self._block
        for index, start in enumerate(range(0, len(x), size)):
            if control is not None:
                control.check()
            yield index, tf.convert_to_tensor(x[start : start + size])

    def _prepared(self, x: NDArray[np.float32], control: Control | None) -> Iterator[tuple[int, Any]]:
        return ((index, self._fixed(block)) for index, block in self._blocks(x, control))

    def _worked(self, work: Iterator[Work], seed: int, first_block: int) -> Iterator[tuple[Work, Any]]:
        """The outputs of each piece of work, in order; with a mask per row, blocks run in parallel on all cores."""
        for whole, pieces in groupby(work, lambda piece: len(piece[2]) == self._block):
            if whole and self._apart:
                yield from self._on_all_cores(pieces, seed, first_block)
            else:
                for piece in pieces:
                    yield piece, self._stochastic(piece[2], self._numbers(seed, *piece, first_block=first_block))

    def _on_all_cores(self, pieces: Iterator[Work], seed: int, first_block: int) -> Iterator[tuple[Work, Any]]:
        def given(piece: Work) -> tuple[Any, ...]:
            return piece[2], *self._numbers(seed, *piece, first_block=first_block)

        first = next(pieces)
        if self._parallel_calls is None:
            compiled = not why_not(self.model)
            one_pass = self._at_once if compiled else self._in_parts
            work = tf.function(one_pass, autograph=False, jit_compile=compiled)
            self._parallel_calls = ParallelCalls(work, given(first), gives_way=self._gives_way)
        yield from self._parallel_calls.map(chain([first], pieces), given)

    def _at_once(self, x: Any, *numbers: Any) -> Any:
        return self._pass(x, list(numbers))

    def _in_parts(self, x: Any, *numbers: Any) -> Any:
        """A pass over a block, in parts small enough that a core's cache holds their activations."""
        parts = [slice(start, start + PART) for start in range(0, x.shape[0], PART)]
        return tf.concat([self._pass(x[part], [drawn[part] for drawn in numbers]) for part in parts], 0)

    def _numbers(self, seed: int, number: int, block: int, rows: Any, *, first_block: int = 0) -> list[Any]:
        """The random numbers of one pass over one block for each random layer: which units are kept, or normal ones.

        One mask per pass is the same for every block of `rows`. A single row that is tiled is block −1.
        """
        shared = self.masks == "one_a_pass" and block >= 0
        block += first_block
        numbers: list[Any] = []
        for place, (layer, noise) in enumerate(self._random.items()):
            source = np.random.SFC64(np.random.SeedSequence([seed, number, 0 if shared else block + 2, place]))
            shape = (1 if shared else len(rows), *noise.mask_shape(self._units[layer]))
            size = int(np.prod(shape))
            if noise.normal:
                normal = np.random.Generator(source).standard_normal(size, dtype=np.float32)
                numbers.append(tf.constant(normal.reshape(shape)))
            else:
                bits = source.random_raw(-(-size // 4)).view(np.uint16)[:size]
                numbers.append(tf.constant((bits >= first_kept(layer)).reshape(shape)))
        return numbers

    @staticmethod
    def _outputs(tensor: Any) -> NDArray[np.float32]:
        return np.asarray(with_both_classes(np.asarray(tensor)), dtype=np.float32)

    def _prefix(self, x: Any) -> Any:
        """Everything before the first random layer, including the scaling for its dropped units: the same in every
        pass.
        """
        for layer in self._before:
            x = layer(x, training=False)
        return x * gain(self._first) if self._made_up else x

    def _dropped(self, layer: Any, x: Any, numbers: Any) -> Any:
        return self._random[layer].apply(layer, x, numbers)

    def _without_dropout(self, x: Any) -> Any:
        for layer in self._layers:
            if layer not in self._random:
                x = layer(x, training=False)
        return x

    def _pass(self, x: Any, numbers: list[Any]) -> Any:
        drawn = dict(zip(self._random, numbers, strict=True))
        for layer in self._after:
            if layer is self._first and self._made_up:
                x = tf.where(drawn[layer], x, 0.0)
            else:
                x = self._dropped(layer, x, drawn[layer]) if layer in drawn else layer(x, training=False)
        return x

    def _narrow_pass(self, x: Any, numbers: list[Any]) -> Any:
        """One mask for all rows: folded into the next kernel, without its dropped units if possible."""
        drawn = dict(zip(self._random, numbers, strict=True))
        strengths: Any = None
        rows: Any = None
        for layer in self._after:
            if layer in self._folded:
                kept = drawn[layer][0]
                strengths = tf.cast(kept, tf.float32) * gain(layer)
                rows = tf.where(kept)[:, 0] if layer in self._narrowed.values() else None
            elif layer in drawn:
                x = self._dropped(layer, x, drawn[layer])
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
    """The input shape of one row for each layer."""
    shapes, shape = {}, model.input_shape
    for layer in model.layers:
        shapes[layer] = tuple(shape[1:])
        shape = layer.compute_output_shape(shape)
    return shapes


def _short_cuts(
    layers: list[Any], random: dict[Any, Noise], units: dict[Any, tuple[int, ...]]
) -> tuple[set[Any], dict[Any, Any]]:
    """The savings of one mask per pass: the dropouts whose mask is folded into the kernel of the following dense layer,
    and the dense layers, each with its dropout, of which only the kept units are computed.
    """
    folded, narrowed = set(), {}
    for index, layer in enumerate(layers[:-1]):
        behind = layers[index + 1]
        plain = layer in random and random[layer].form is NoiseForm.DROPOUT
        if not (plain and len(units[layer]) == 1 and type(behind) is keras.layers.Dense):
            continue
        folded.add(layer)
        before = index - 1
        while before >= 0 and _acts_on_each_number(layers[before]):
            before -= 1
        if before >= 0 and type(layers[before]) is keras.layers.Dense and layers[before].activation not in WHOLE_ROW:
            narrowed[layers[before]] = layer
    return folded, narrowed


WHOLE_ROW = (keras.activations.softmax, keras.activations.log_softmax)
"""Activations that depend on all units of a row."""


def _acts_on_each_number(layer: Any) -> bool:
    if type(layer) is keras.layers.Activation:
        return layer.activation not in WHOLE_ROW
    kind = kind_of_layer(layer)
    return type(layer) is keras.layers.ReLU if kind is None else kind.elementwise


def _without_units(layer: Any, x: Any) -> Any:
    """A layer's output in inference mode, also on a subset of its units, which `__call__` would refuse."""
    return layer(x, training=False) if not _acts_on_each_number(layer) else layer.call(x)
