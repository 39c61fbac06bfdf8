"""Checks of the layer order: positions of batch normalization, dropout, Flatten and activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby
from math import prod

from dnnstudio.core.analysis.checks.cures import SATURATING, drop_ids, set_activation, usual_activation
from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Entry, Stack
from dnnstudio.core.experiment.edits import (
    Edit,
    add_layer,
    change_layers,
    ids_of,
    move_layers,
    new_layer,
    replace_layer,
    set_value,
)
from dnnstudio.core.experiment.layers import Role, activation_label, axis_positions
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import count_of, listed

MANY_SATURATING = 4
"""From this many hidden sigmoid or tanh layers on, the gradient is likely to vanish."""
AXIS_NAMES = {2: ("row", "column"), 3: ("row", "column", "channel")}


def check_order(stack: Stack) -> Iterator[Problem]:
    """Check which layers precede which."""
    yield from _bias_before_normalization(stack)
    yield from _dropout_before_normalization(stack)
    yield from _normalization_axis(stack)
    yield from _normalization_after_learning(stack)
    yield from _normalized_twice(stack)
    yield from _flat_already(stack)
    yield from _two_activations(stack)
    yield from _no_activation(stack)
    yield from _hidden_softmax(stack)
    yield from _many_saturating(stack)
    yield from _some_monte_carlo(stack)


def _bias_before_normalization(stack: Stack) -> Iterator[Problem]:
    ids = tuple(
        one.id
        for one, after in _pairs(stack, stack.of_kind("batch_normalization"))
        if one.role is Role.KERNEL and one.layer.use_bias and not one.own_activation and after.layer.center
    )
    if ids:
        yield Problem(
            "hint",
            "bias_before_normalization",
            ids[0],
            f"A bias right before batch normalization: {listed(ids)}.",
            "Batch normalization takes the mean away, bias and all, and adds an offset of its own (beta). "
            "The bias only costs parameters.",
            Fix("Leave the bias out", lambda e: change_layers(e, ids, use_bias=False)),
            ids,
            "use_bias",
        )


def _dropout_before_normalization(stack: Stack) -> Iterator[Problem]:
    if not any(one.layer.is_dropout for one, _ in _pairs(stack, stack.of_kind("batch_normalization"))):
        return
    groups: list[tuple[tuple[str, ...], str]] = []
    """Dropout layers that stand before a batch normalization with nothing else between, and the last of these."""
    for run in _runs(stack, lambda entry: entry.layer.is_dropout or entry.kind == "batch_normalization"):
        norms = [place for place, entry in enumerate(run) if entry.kind == "batch_normalization"]
        early = tuple(entry.id for entry in run[: norms[-1]] if entry.layer.is_dropout) if norms else ()
        if early:
            groups.append((early, run[norms[-1]].id))
    if not groups:
        return
    ids = tuple(name for early, _ in groups for name in early)

    def swap(experiment: Experiment) -> Experiment:
        for early, norm in groups:
            place = ids_of(experiment).index(norm)
            experiment = move_layers(experiment, early, place + 1)
        return experiment

    yield Problem(
        "warning",
        "dropout_before_normalization",
        ids[0],
        f"Dropout right before batch normalization: {listed(ids)}.",
        "Dropout changes the spread while training but not when predicting, so that the averages that batch "
        "normalization keeps are wrong for predictions (Li et al., 2018).",
        Fix("Put dropout after it", swap),
        ids,
    )


def _pairs(stack: Stack, positions: Iterable[int]) -> Iterator[tuple[Entry, Entry]]:
    """Each layer at these positions in `entries`, with the one directly before it."""
    for index in positions:
        if index:
            yield stack.entries[index - 1], stack.entries[index]


def _runs(stack: Stack, belongs: Callable[[Entry], bool]) -> Iterator[list[Entry]]:
    """The runs of consecutive layers that satisfy the condition."""
    for inside, run in groupby(stack.entries, key=belongs):
        if inside:
            yield list(run)


def _normalization_axis(stack: Stack) -> Iterator[Problem]:
    """On images, tell which axes the means are taken over: the default is seldom what was meant."""
    for index in stack.of_role(Role.NORMALIZATION):
        entry = stack.entries[index]
        shape = entry.row.input_shape
        if not entry.layer.averages_over or shape is None or entry.row.error or len(shape) not in AXIS_NAMES:
            continue
        if entry.layer.axis is None:
            continue  # a single mean over everything was chosen explicitly
        places = axis_positions(entry.id, entry.layer.axis, shape)
        if len(places) == len(shape) or (len(shape) == 3 and places == (2,)):
            continue  # one mean per pixel or per channel: what is meant for images
        words = AXIS_NAMES[len(shape)]
        count = prod(shape[place] for place in places)
        unit = " and ".join(words[place] for place in places)
        others = " and ".join(f"{shape[p]} {words[p]}s" for p in range(len(shape)) if p not in places)
        if len(shape) == 3:
            fix = Fix(f"Keep {shape[2]} means, one a channel", _last_axis(entry))
        else:
            fix = Fix(f"Keep {prod(shape)} means, one a pixel", _flatten_first(stack, index))
        yield Problem(
            "hint",
            "normalization_axis",
            entry.id,
            f"{entry.id} keeps {count:,} means, one a {unit}.",
            f"Each is an average over the {entry.layer.averages_over} and over all {others}. "
            + (
                "Flattened first, it would keep one a pixel."
                if len(shape) == 2
                else "Images are usually normalized by channel, the last axis."
            ),
            fix,
            (entry.id,),
            "axis",
        )


def _normalization_after_learning(stack: Stack) -> Iterator[Problem]:
    """Normalization is adapted once, before training, so it must come before every trainable layer."""
    learns = next((index for index, entry in enumerate(stack.entries) if entry.layer.has_weights), None)
    late = stack.ids([index for index in stack.of_kind("normalization") if learns is not None and index >= learns])
    if late:
        yield Problem(
            "warning",
            "normalization_after_learning",
            late[0],
            f"Normalization after a layer that learns: {listed(late)}.",
            "Its mean and variance are measured once, before training, on what untrained layers put out; as these "
            "learn, they no longer fit. Batch normalization follows along.",
            Fix("Use batch normalization", lambda e: _to_batch(e, late)),
            late,
        )


def _to_batch(experiment: Experiment, ids: tuple[str, ...]) -> Experiment:
    for name in ids:
        layer = new_layer(experiment, "batch_normalization", id=name)
        experiment = set_value(experiment, f"layers.{name}", layer)
    return experiment


def _normalized_twice(stack: Stack) -> Iterator[Problem]:
    """Standardized data makes a Normalization layer redundant."""
    first = next((entry for entry in stack.entries if entry.role is not Role.SHAPE), None)
    if first is None or first.kind != "normalization" or first.layer.invert:
        return
    if stack.experiment.data.scaling == "standardize":
        yield Problem(
            "hint",
            "normalized_twice",
            first.id,
            f"{first.id} standardizes what is standardized already.",
            "The data panel takes mean and spread out of every feature; doing it again changes next to nothing. "
            "Inside the network it has the advantage that the saved model takes the numbers as they come.",
            Fix("Leave it to the layer", lambda e: set_value(e, "data.scaling", "unit")),
            (first.id,),
        )


def _last_axis(entry: Entry) -> Edit:
    return lambda experiment: replace_layer(experiment, entry.id, axis=-1)


def _flatten_first(stack: Stack, index: int) -> Edit:
    """Move the layer behind a directly following Flatten, else insert one before it; the axis becomes the last."""
    entry = stack.entries[index]
    after = stack.entries[index + 1] if index + 1 < len(stack.entries) else None
    places = stack.positions[index : index + 2]

    def edit(experiment: Experiment) -> Experiment:
        if after is not None and after.kind == "flatten":
            experiment = move_layers(experiment, (entry.id,), places[1] + 1)
        else:
            experiment = add_layer(experiment, new_layer(experiment, "flatten"), places[0])
        return replace_layer(experiment, entry.id, axis=-1)

    return edit


def _flat_already(stack: Stack) -> Iterator[Problem]:
    ids = stack.ids([i for i in stack.of_kind("flatten") if len(stack.entries[i].row.input_shape or ()) == 1])
    if ids:
        yield Problem(
            "hint",
            "flat_already",
            ids[0],
            f"{listed(ids)} {'flattens' if len(ids) == 1 else 'flatten'} what is flat already.",
            "It changes nothing and only makes the stack longer.",
            Fix("Remove it" if len(ids) == 1 else "Remove them", drop_ids(ids)),
            ids,
        )


def _two_activations(stack: Stack) -> Iterator[Problem]:
    for one, after in _pairs(stack, stack.of_role(Role.ACTIVATION)):
        if not one.own_activation:
            continue
        first, second = activation_label(one.own_activation), activation_label(after.own_activation or "linear")
        cure = partial(_make_linear, layer_id=one.id) if one.role is Role.KERNEL else drop_ids((one.id,))
        yield Problem(
            "hint",
            "two_activations",
            after.id,
            f"Two activations in a row: {first} in {one.id}, then {second} in {after.id}.",
            "The second only bends what the first has bent already; usually one of them was meant.",
            Fix(f"Keep {second} alone", cure),
            (one.id, after.id),
        )


def _make_linear(experiment: Experiment, *, layer_id: str) -> Experiment:
    return replace_layer(experiment, layer_id, activation=None)


def _no_activation(stack: Stack) -> Iterator[Problem]:
    linear = [index for index in stack.hidden if index not in stack.activations]
    if linear:
        ids = stack.ids(linear)
        name = usual_activation(stack)
        yield Problem(
            "warning",
            "no_activation",
            ids[0],
            f"No activation between {listed(ids)} and the next layer with weights.",
            "Two linear layers in a row can do no more than one; a curve between them is what makes depth worth it.",
            Fix(f"Use {activation_label(name)}", set_activation(stack, linear, name)),
            ids,
            "activation",
        )


def _hidden_softmax(stack: Stack) -> Iterator[Problem]:
    wrong = [
        index
        for index in stack.hidden
        if stack.activations.get(index, ("", 0))[0] in ("softmax", "log_softmax", "sparsemax")
    ]
    if wrong:
        ids = stack.ids(wrong)
        yield Problem(
            "warning",
            "hidden_softmax",
            ids[0],
            f"Softmax inside the network: {listed(ids)}.",
            "Softmax makes all units of a layer share one whole, so that little of the signal gets through. "
            "It belongs to the output.",
            Fix("Use ReLU", set_activation(stack, wrong, "relu")),
            ids,
            "activation",
        )


def _many_saturating(stack: Stack) -> Iterator[Problem]:
    flat = [index for index in stack.hidden if stack.activations.get(index, ("", 0))[0] in SATURATING]
    if len(flat) < MANY_SATURATING or stack.of_kind("batch_normalization"):
        return
    ids = stack.ids(flat)
    yield Problem(
        "hint",
        "vanishing",
        ids[0],
        f"{count_of(len(flat), 'hidden layer')} of sigmoid or tanh without normalization.",
        "These curves are flat on both sides: gradients shrink from layer to layer and the lower layers hardly learn "
        "(Glorot and Bengio, 2010).",
        Fix("Use ReLU with He normal", set_activation(stack, flat, "relu")),
        ids,
        "activation",
    )


def _some_monte_carlo(stack: Stack) -> Iterator[Problem]:
    dropouts = [stack.entries[index] for index in stack.dropouts]
    off = tuple(entry.id for entry in dropouts if not entry.layer.monte_carlo)
    if off and len(off) < len(dropouts):
        yield Problem(
            "hint",
            "some_monte_carlo",
            off[0],
            f"Only some dropout stays on when predicting; {listed(off)} {'does' if len(off) == 1 else 'do'} not.",
            "Monte Carlo predictions are the average over the networks that training saw; "
            "dropout that is off leaves some of the doubt out.",
            Fix("Make all of it Monte Carlo", lambda e: change_layers(e, off, monte_carlo=True)),
            off,
            "monte_carlo",
        )
