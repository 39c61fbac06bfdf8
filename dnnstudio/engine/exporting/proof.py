"""Runs a written file on real rows by the format's own runtime, and compares its answers with the network's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.exports import Proof
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.exporting.network import ExportedNetwork, Rows, Runner
from dnnstudio.engine.reuse.ensemble import forward_of
from dnnstudio.engine.sampling.mc_dropout import Sampler

TOLERANCE = 1e-5
"""The largest difference of two answers: of a probability, or of a number as a share of the largest one."""
ROWS = 100
"""So many rows, real ones again where there are fewer, have their mean and spread compared."""
PASSES = 100
LARGEST_SQUARE = 2.0
"""The mean square of (difference of two means / its standard error) is 1 but for chance; with 100 rows its own standard
deviation is at most 0.15 (χ² of 100 independent rows), so that chance alone never comes near 2."""
LARGEST_SPREAD = 7.0
"""By how many standard errors the spread over all rows may differ."""


@dataclass(frozen=True, slots=True, eq=False)
class ProofRows:
    """`stored` rows [n, *shape] as their part holds them; `part` is empty for made-up ones."""

    stored: Rows
    part: str


def prove(
    network: ExportedNetwork,
    written: ExportedNetwork,
    runner: Runner,
    rows: ProofRows,
    *,
    runtime: str,
    seed: int,
    control: Control,
) -> Proof:
    """What the written file computes of the rows [n, *shape], against the network itself.

    `written` is the network as the file holds it, whose preparation may have been left out. Raises `UserError` with the
    code `NOT_THE_SAME` where the two are not the same, and `Cancelled`.
    """
    most = min(rows_at_once(member.model, ROWS) for member in network.members)
    rows = ProofRows(rows.stored[:most], rows.part)
    real = len(rows.stored)
    if written.stochastic and real < most:  # the same row again draws anew, and chance has less of a say
        rows = ProofRows(np.resize(rows.stored, (most, *rows.stored.shape[1:])), rows.part)
    inputs = [
        rows.stored.astype(np.float32) if member.transform is None else member.transform.apply(rows.stored)
        for member in network.members
    ]
    given = rows.stored if written.carries_preparation or not network.carries_preparation else inputs[0]
    given = np.ascontiguousarray(given, dtype=written.dtype)
    if written.stochastic:
        found = _prove_spread(network, lambda: runner(given), inputs, rows, runtime=runtime, seed=seed, control=control)
        return replace(found, rows=real)
    expected = np.mean(
        [forward_of(member.model)(x).astype(np.float64) for member, x in zip(network.members, inputs, strict=True)],
        axis=0,
    )
    control.check()
    difference = _largest(runner(given), expected)
    size = max(1.0, float(np.abs(expected).max(initial=0.0)))
    limit = TOLERANCE * size
    if not difference <= limit:
        raise UserError(
            f"{runtime} computes something else than the network: the largest difference is {difference:.1e}, and at "
            f"most {limit:.0e} is allowed. Nothing was written.",
            "Choose another format.",
            code=Code.NOT_THE_SAME,
        )
    return Proof(runtime=runtime, rows=len(rows.stored), part=rows.part, difference=difference, size=size)


def _largest(found: NDArray[np.float32], expected: NDArray[np.float64]) -> float:
    """The largest difference; infinite where the shapes differ or a number is none."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - expected).max(initial=0.0))


def _prove_spread(
    network: ExportedNetwork,
    run: Callable[[], NDArray[np.float32]],
    inputs: list[NDArray[np.float32]],
    rows: ProofRows,
    *,
    runtime: str,
    seed: int,
    control: Control,
) -> Proof:
    """Mean and spread over passes of the file against those of the program's own sampler, within Monte Carlo error."""
    members = [
        np.stack(list(Sampler(member.model).passes(x, 0, PASSES, seed=seed, control=control))).astype(np.float64)
        for member, x in zip(network.members, inputs, strict=True)
    ]
    expected = np.mean(members, axis=0)
    passes = []
    for _ in range(PASSES):
        control.check()
        passes.append(run().astype(np.float64))
    found = np.stack(passes)
    if found.shape != expected.shape:
        # A sigmoid unit is sampled as two columns, of which the last is what the unit says.
        expected = expected[..., -found.shape[-1] :]
    away = found.mean(axis=0) - expected.mean(axis=0)
    mine, its = expected.var(axis=0, ddof=1), found.var(axis=0, ddof=1)
    size = max(1.0, float(np.abs(expected).max(initial=0.0)))
    square = float(np.mean(away**2 / ((mine + its) / PASSES + (TOLERANCE * size) ** 2)))
    apart = (its - mine).sum(axis=1)
    error = float(apart.std(ddof=1)) / len(apart) ** 0.5 + (TOLERANCE * size) ** 2
    if not (square <= LARGEST_SQUARE and abs(float(apart.mean())) <= LARGEST_SPREAD * error and its.sum() > 0):
        raise UserError(
            f"Over {PASSES} runs by {runtime} mean or spread differs from the network's by more than chance. Nothing "
            "was written.",
            "Export it without dropout active, or choose another format.",
            code=Code.NOT_THE_SAME,
        )
    return Proof(
        runtime=runtime,
        rows=len(rows.stored),
        part=rows.part,
        difference=float(np.abs(away).max(initial=0.0)),
        size=size,
        passes=PASSES,
        spread_ratio=float(np.sqrt(its.sum() / max(mine.sum(), 1e-300))),
    )
