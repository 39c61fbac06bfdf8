"""Checks of the conditions under which SELU normalizes itself (Klambauer et al., 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.analysis.checks.cures import drop_ids, set_initializer
from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.experiment.edits import change_layers, set_value
from dnnstudio.core.experiment.layers import Role
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import LecunNormal, VarianceScaling
from dnnstudio.core.text import listed

PENALTIES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")


def check_selu(stack: Stack) -> Iterator[Problem]:
    """Check initializer, dropout, input scale, batch normalization and penalties of a SELU network."""
    selu = [index for index in stack.hidden if stack.activations.get(index, ("", 0))[0] == "selu"]
    if not selu:
        return
    yield from _initializer(stack, selu)
    yield from _dropout(stack, selu)
    yield from _input_scale(stack, selu)
    yield from _batch_normalization(stack, selu)
    yield from _penalties(stack, selu)


def is_lecun_normal(initializer: object) -> bool:
    """Whether it is LeCun normal, by its name or as variance scaling."""
    if isinstance(initializer, VarianceScaling):
        return (initializer.scale, initializer.mode, initializer.distribution) == (1.0, "fan_in", "truncated_normal")
    return isinstance(initializer, LecunNormal)


def _initializer(stack: Stack, selu: list[int]) -> Iterator[Problem]:
    wrong = [index for index in selu if not is_lecun_normal(stack.entries[index].layer.kernel_initializer)]
    if wrong:
        ids = stack.ids(wrong)
        yield Problem(
            "warning",
            "selu_initializer",
            ids[0],
            f"SELU without LeCun normal: {listed(ids)}.",
            "SELU keeps mean 0 and spread 1 from layer to layer only when the weights start with variance 1 / fan in.",
            Fix("Use LeCun normal", set_initializer(ids, LecunNormal())),
            ids,
            "kernel_initializer",
        )


def _dropout(stack: Stack, selu: list[int]) -> Iterator[Problem]:
    wrong: list[str] = []
    before = ""
    for index, entry in enumerate(stack.entries):
        disturbs = entry.role is Role.NOISE and entry.layer.is_dropout and not entry.layer.keeps_selu
        if disturbs and (before == "selu" or (not before and index < selu[0])):
            wrong.append(entry.id)
        before = entry.own_activation or before
    if wrong:
        yield Problem(
            "warning",
            "selu_dropout",
            wrong[0],
            f"SELU with plain dropout: {listed(wrong)}.",
            "Plain dropout changes mean and spread, and SELU stops normalizing itself. "
            "Alpha dropout switches units to SELU's lowest value and keeps both.",
            Fix("Use alpha dropout", partial(_to_alpha, ids=tuple(wrong))),
            tuple(wrong),
        )


def _to_alpha(experiment: Experiment, *, ids: tuple[str, ...]) -> Experiment:
    return change_layers(experiment, ids, kind="alpha_dropout")


def _input_scale(stack: Stack, selu: list[int]) -> Iterator[Problem]:
    first = stack.weighted[0]
    normalized = any(entry.role is Role.NORMALIZATION for entry in stack.entries[:first])
    if selu[0] != first or normalized or stack.experiment.data.scaling == "standardize":
        return
    yield Problem(
        "warning",
        "selu_scaling",
        "data.scaling",
        "SELU with input that is not standardized.",
        "The first layer must already see mean 0 and spread 1, or there is nothing for SELU to keep.",
        Fix("Standardize the input", partial(set_value, path="data.scaling", value="standardize")),
        (stack.entries[first].id,),
    )


def _batch_normalization(stack: Stack, selu: list[int]) -> Iterator[Problem]:
    inside = [entry.id for entry in stack.entries[selu[0] : stack.output] if entry.kind == "batch_normalization"]
    if inside:
        yield Problem(
            "hint",
            "selu_batch_normalization",
            inside[0],
            f"SELU normalizes by itself; {listed(inside)} {'does' if len(inside) == 1 else 'do'} it a second time.",
            "Batch normalization between SELU layers costs time and parameters, and its learnt scale works against "
            "the fixed point that SELU tends to.",
            Fix("Remove it" if len(inside) == 1 else "Remove them", drop_ids(inside)),
            tuple(inside),
        )


def _penalties(stack: Stack, selu: list[int]) -> Iterator[Problem]:
    held = [index for index in selu if any(getattr(stack.entries[index].layer, name) is not None for name in PENALTIES)]
    if held:
        ids = stack.ids(held)
        yield Problem(
            "hint",
            "selu_penalty",
            ids[0],
            f"SELU with a penalty or limit on the weights: {listed(ids)}.",
            "l1, l2 and max-norm pull the weights away from the variance that SELU relies on. "
            "Alpha dropout or early stopping regularize without touching it.",
            Fix("Take penalties and limits off", lambda e: change_layers(e, ids, **dict.fromkeys(PENALTIES))),
            ids,
            "kernel_regularizer",
        )
