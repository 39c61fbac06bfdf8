"""What a network, or an ensemble, says of a block of stored rows: with dropout off, or over many passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.classification import as_probabilities
from dnnstudio.core.uncertainty.scores import Accumulator, Floats
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.predicting.preparing import Prepared
from dnnstudio.engine.reuse.ensemble import forward_of
from dnnstudio.engine.reuse.loaded_model import LiveModel
from dnnstudio.engine.sampling.mc_dropout import BLOCK, Sampler

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What is said of a block: `values` are probabilities [rows, classes], or numbers [rows] in the target's own unit.

    `std` [rows] is the spread over the passes, with 1/T, of the winner's probability or of the number; None, as the
    entropies [rows], where there was one pass. `unusable` [rows] marks rows that a preparation brings out of the range
    of 32-bit numbers: they are answered as zeros would be. `passes` [passes, rows, classes] or [passes, rows] and
    `off`, what is said with dropout off, are there where they were asked for.
    """

    values: Floats
    unusable: NDArray[np.bool_]
    std: Floats | None = None
    predictive_entropy: Floats | None = None
    mutual_information: Floats | None = None
    passes: Rows | None = None
    off: Floats | None = None


class Network:
    """One network or the members of an ensemble. `samples` passes a member with dropout on; None for it off.

    The answer is the mean over all passes. Members are passes too, so an ensemble has a spread without dropout.
    """

    def __init__(
        self,
        members: Sequence[tuple[LiveModel, Prepared]],
        *,
        samples: int | None,
        seed: int,
        control: Control,
        beside_window: bool = False,
    ) -> None:
        """Raises `UserError` where samples are wanted and nothing in a network is random.

        `control` can be replaced: another job may go on with the same network.
        """
        self.control = control
        self._seed = seed
        self._samples = samples
        self._members = tuple(members)
        self._forwards = [forward_of(live.model) for live, _ in members]
        self._samplers = (
            [Sampler(live.model, beside_window=beside_window) for live, _ in members] if samples is not None else []
        )
        self.classes = members[0][1].classes
        for live, prepared in members:
            if prepared.classes != self.classes:
                raise UserError("The members of the ensemble tell different classes apart.", "Repeat the experiment.")
            if prepared.transform.input_shape(prepared.shape) != live.input_shape:
                raise UserError(
                    f"The network reads rows of shape {live.input_shape}, but its run prepared rows of shape "
                    f"{prepared.transform.input_shape(prepared.shape)}.",
                    "Give the folder of the run that trained it.",
                )

    @property
    def has_passes(self) -> bool:
        return self._samples is not None or len(self._members) > 1

    @property
    def block_rows(self) -> int:
        """Rows of one block: as many as the sampler takes, fewer where they or a layer's outputs are large.

        Raises `UserError` where one row does not fit into memory on its way.
        """
        return min(rows_at_once(live.model, BLOCK["independent"]) for live, _ in self._members)

    @property
    def passes(self) -> int:
        """How many passes an answer is the mean of."""
        return len(self._members) * (self._samples or 1)

    def say(self, stored: Array, block: int, *, with_passes: bool = False) -> Said:
        """What is said of stored rows [n, *shape], the block numbered `block`. Raises `UserError` and `Cancelled`.

        `with_passes` keeps what each pass said, and asks once more with dropout off.
        """
        unusable = np.zeros(len(stored), bool)
        passes = self._passes(stored, block, unusable)
        if not self.has_passes:
            return Said(self._judged(next(passes)), unusable)
        kept: list[Rows] = []
        if with_passes:
            passes = self._remembered(passes, kept)
        said = (self._over_classes if self.classes else self._over_numbers)(passes, unusable)
        return replace(said, passes=np.stack(kept), off=self._with_dropout_off(stored)) if with_passes else said

    def _remembered(self, passes: Iterator[Rows], kept: list[Rows]) -> Iterator[Rows]:
        for outputs in passes:
            kept.append(self._judged(outputs).astype(np.float32))
            yield outputs

    def _with_dropout_off(self, stored: Array) -> Floats:
        """The mean of the members with dropout off: [rows, classes], or [rows]. Rows that cannot be used are zeros."""
        found = []
        for forward, (_, prepared) in zip(self._forwards, self._members, strict=True):
            x = prepared.transform.apply(stored)
            x[~np.isfinite(x).reshape(len(x), -1).all(axis=1)] = 0.0
            found.append(self._judged(forward(x)))
        return np.asarray(np.mean(found, axis=0))

    def _passes(self, stored: Array, block: int, unusable: NDArray[np.bool_]) -> Iterator[Rows]:
        """The outputs of every pass, each [rows, units]; two columns for a sigmoid unit that was sampled.

        Rows that cannot be used are marked in `unusable`.
        """
        for place, (_, prepared) in enumerate(self._members):
            self.control.check()
            x = prepared.transform.apply(stored)
            beyond = ~np.isfinite(x).reshape(len(x), -1).all(axis=1)
            unusable |= beyond
            x[beyond] = 0.0
            if self._samples is None:
                yield self._forwards[place](x)
            else:
                sampler = self._samplers[place]
                yield from sampler.passes(x, 0, self._samples, seed=self._seed, control=self.control, first_block=block)

    def _judged(self, outputs: Rows) -> Floats:
        """Outputs as probabilities of the task's classes [rows, classes], or as numbers [rows]. Raises `UserError`."""
        if not self.classes:
            return outputs[:, -1].astype(np.float64)
        probabilities = as_probabilities(outputs)
        if probabilities.shape[1] != len(self.classes):
            raise UserError(
                f"The network has {probabilities.shape[1]} outputs for {count_of(len(self.classes), 'class')}.",
                "Train it with one output for each class.",
            )
        return probabilities

    def _over_classes(self, passes: Iterator[Rows], unusable: NDArray[np.bool_]) -> Said:
        accumulator = Accumulator(len(unusable), len(self.classes))
        for outputs in passes:
            accumulator.add(self._judged(outputs)[None])
        scores = accumulator.scores()
        return Said(scores.mean, unusable, scores.winner_std, scores.predictive_entropy, scores.mutual_information)

    def _over_numbers(self, passes: Iterator[Rows], unusable: NDArray[np.bool_]) -> Said:
        """Mean and spread by Welford's method: the passes need not be kept."""
        mean = deviations = np.zeros(len(unusable))
        for count, outputs in enumerate(passes, start=1):
            values = self._judged(outputs)
            away = values - mean
            mean = mean + away / count
            deviations = deviations + away * (values - mean)
        return Said(mean, unusable, np.sqrt(np.maximum(deviations, 0.0) / self.passes))
