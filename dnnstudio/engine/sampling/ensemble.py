"""Passes of an ensemble: its members take turns, each once with dropout off or many times with it on.

It has the interface of `mc_dropout.Sampler`, so that passes are collected and reported in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs.control import Control
from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.core.uncertainty.scores import with_both_classes
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.reuse.ensemble import mean_outputs, outputs_of
from dnnstudio.engine.sampling.mc_dropout import Sampler

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MemberRows:
    """A network and the rows scaled as in its own training."""

    model: keras.Sequential
    x: Rows


class EnsembleSampler:
    """The passes of several networks over the same rows."""

    def __init__(self, members: Sequence[MemberRows], *, stochastic: bool, masks: Masks, beside_window: bool) -> None:
        """Raises `UserError` if `stochastic` passes are requested from a network without dropout."""
        self._members = tuple(members)
        self._samplers = (
            [Sampler(member.model, masks=masks, beside_window=beside_window) for member in members]
            if stochastic
            else []
        )

    def deterministic(self, x: Rows, *, control: Control | None = None) -> Rows:
        """The mean of the members' predictions with dropout off: [rows, classes]. `x` is not used."""
        del x
        return mean_outputs(self._answers(control)).astype(np.float32)

    def passes(self, x: Rows, first: int, count: int, *, seed: int, control: Control | None = None) -> Iterator[Rows]:
        """Passes `first` … `first + count − 1`, each [rows, classes]: pass n is made by member n modulo their number.

        With dropout on it is that member's own pass number n // members, as if it were sampled alone. `x` is not used.
        """
        del x
        if not self._samplers:
            yield from self._answers(control)
            return
        size = len(self._members)
        each = [
            sampler.passes(member.x, -(-(first - place) // size), -(-count // size), seed=seed, control=control)
            for place, (member, sampler) in enumerate(zip(self._members, self._samplers, strict=True))
        ]
        for number in range(first, first + count):
            yield next(each[number % size])

    def _answers(self, control: Control | None) -> Iterator[Rows]:
        for member in self._members:
            outputs = outputs_of(member.model, member.x, control=control)
            yield np.asarray(with_both_classes(outputs), dtype=np.float32)
