"""Checks of reused layers, phases and pretraining, as far as possible without reading the source."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.transfer import Transfer
from dnnstudio.core.planning.pretraining import pretraining_experiment
from dnnstudio.core.planning.stages import frozen_ids
from dnnstudio.core.text import listed


def check_transfer(stack: Stack) -> Iterator[Problem]:
    """Check source, reused layers, phases and pretraining."""
    if (transfer := stack.experiment.transfer) is not None:
        yield from _reuse(stack, transfer)
        yield from _phases(stack, transfer)
    if stack.experiment.pretraining is not None and stack.input_shape is not None and not stack.broken:
        try:
            pretraining_experiment(stack.experiment, stack.input_shape)
        except UserError as error:
            yield Problem("error", "pretraining", "pretraining", error.message, error.hint)


def _reuse(stack: Stack, transfer: Transfer) -> Iterator[Problem]:
    remove = Fix("Train from scratch", partial(set_value, path="transfer", value=None))
    if not transfer.source.strip():
        yield Problem(
            "error",
            "no_source",
            "transfer.source",
            "The transfer has no source.",
            "Choose a trained model whose layers the network starts from.",
            remove,
        )
    ids = {entry.id for entry in stack.entries}
    unknown = tuple(item.layer for item in transfer.reuse if item.layer not in ids)
    if unknown:
        kept = tuple(item for item in transfer.reuse if item.layer in ids)
        yield Problem(
            "error",
            "unknown_reuse",
            "transfer.reuse",
            f"The transfer names {listed(unknown)}, which the network does not have in use.",
            "Only layers of this network can start from trained ones.",
            Fix("Leave them out", partial(set_value, path="transfer.reuse", value=kept)) if kept else remove,
        )
    if not transfer.reuse:
        yield Problem(
            "error",
            "nothing_reused",
            "transfer.reuse",
            "Nothing is reused: the transfer names no layer.",
            "Choose at least one layer with weights.",
            remove,
        )


def _phases(stack: Stack, transfer: Transfer) -> Iterator[Problem]:
    experiment = stack.experiment
    learning = {entry.id for entry in stack.entries if entry.row.trainable_count}
    averages = {entry.id for entry in stack.entries if entry.layer.averages_over == "batch"}
    for number, phase in enumerate(transfer.phases, start=1):
        place = f"transfer.phases.{number - 1}"
        try:
            frozen = frozen_ids(experiment, phase, number)
        except UserError as error:
            yield Problem("error", "unknown_frozen", f"{place}.frozen", error.message, error.hint)
            continue
        if learning and learning <= frozen:
            yield Problem(
                "error",
                "phase_frozen",
                f"{place}.frozen",
                f"Phase {number} freezes every layer, so nothing can be learnt in it.",
                "Leave at least the new layers free.",
            )
        elif still := tuple(entry.id for entry in stack.entries if entry.id in frozen & averages):
            yield Problem(
                "hint",
                "frozen_normalization",
                f"{place}.frozen",
                f"In phase {number} {listed(still)} normalizes as in predicting.",
                "A frozen batch normalization uses the averages that it has learnt and does not move them.",
                None,
                still,
            )
        if phase.learning_rate is not None and not experiment.schedule.uses_base_rate:
            yield Problem(
                "warning",
                "phase_rate",
                f"{place}.learning_rate",
                f"The learning rate of phase {number} has no effect: the schedule {experiment.schedule.label} "
                "brings rates of its own.",
                "Each phase begins the schedule anew. Constant, exponential and the like start from the phase's rate.",
                Fix("Use a constant rate", partial(set_value, path="schedule", value={"kind": "constant"})),
            )
