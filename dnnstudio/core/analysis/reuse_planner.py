"""Planning a transfer: both networks side by side, the edits of the plan, and its problems.

Everything is a pure function from one experiment to the next or to a view of it, so the dialog and the tests use the
same code. `core.planning.compatibility`, which the engine uses too, decides whether layers fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import AnyLayer, Dense, Shape, WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.experiment.transfer import Reuse, Transfer
from dnnstudio.core.planning.compatibility import Mode, default_transfer, misfit, reuse_pairs, unshareable
from dnnstudio.core.planning.phases import frozen_in, known_phases, with_frozen
from dnnstudio.core.planning.pretraining import encoder_of
from dnnstudio.core.planning.task_split import with_output
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.sources import TrainedSource

LineMode = Literal["clone", "share", "new", "none"]
NO_PARTNER = "Nothing in the source stands for this layer"


@dataclass(frozen=True, slots=True)
class Line:
    """A source layer beside the layer of the new network that may start from it; None where there is none.

    `misfit` says why it cannot be cloned, `unshareable` why it can be cloned but not shared. The mode is "none" for
    layers without weights.
    """

    source: LayerShape | None
    target: LayerShape | None
    mode: LineMode
    misfit: str = ""
    unshareable: str = ""

    @property
    def layer(self) -> str:
        """The id of the new network's layer; empty if there is none."""
        return self.target.layer.id if self.target is not None else ""

    @property
    def can_clone(self) -> bool:
        return self.target is not None and bool(self.target.variables) and not self.misfit

    @property
    def can_share(self) -> bool:
        return self.can_clone and not self.unshareable

    @property
    def reused(self) -> bool:
        return self.mode in ("clone", "share")


def lines(experiment: Experiment, input_shape: Shape, source: TrainedSource) -> tuple[Line, ...]:
    """Both networks from input to output, each layer beside its counterpart."""
    ours = infer_shapes(experiment.active_layers, input_shape)
    theirs = infer_shapes(source.layers, source.input_shape or input_shape)
    reuse = {item.layer: item for item in experiment.transfer.reuse} if experiment.transfer is not None else {}
    partners = _partners(ours, theirs, {name: item.source for name, item in reuse.items()})
    made: list[Line] = []
    shown = set(partners.values())
    waiting = 0
    for number, target in enumerate(ours):
        partner = partners.get(number)
        while partner is not None and waiting < partner:
            if waiting not in shown:
                made.append(Line(theirs[waiting], None, "none"))
            waiting += 1
        item = reuse.get(target.layer.id)
        made.append(_line(target, None if partner is None else theirs[partner], item.mode if item else None))
    made += [Line(theirs[rest], None, "none") for rest in range(waiting, len(theirs)) if rest not in shown]
    return tuple(made)


def _line(target: LayerShape, source: LayerShape | None, mode: Mode | None) -> Line:
    if not target.variables:
        return Line(source, target, "none")
    if source is None:
        return Line(None, target, "new", NO_PARTNER)
    why = misfit(target, source)
    return Line(source, target, mode or "new", why, "" if why else unshareable(target.layer, source.layer))


def _partners(ours: Sequence[LayerShape], theirs: Sequence[LayerShape], given: dict[str, str]) -> dict[int, int]:
    """Position in `ours` → position in `theirs`: the pairs of the transfer, else a weighted longest common subsequence
    of kinds.

    Layers that fit weigh more than layers of the same kind only, and the output layers belong together.
    """
    last = tuple(max((i for i, row in enumerate(rows) if row.variables), default=-1) for rows in (ours, theirs))

    wanted_ids = [given.get(row.layer.id) for row in ours]
    their_ids = [row.layer.id for row in theirs]
    kinds, shapes = (
        [[what(row) for row in rows] for rows in (ours, theirs)]
        for what in (lambda row: row.layer.kind, lambda row: [(v.name, v.shape) for v in row.variables])
    )

    def worth(i: int, j: int) -> int:
        if wanted_ids[i] == their_ids[j]:
            return 1000
        if kinds[0][i] != kinds[1][j] or ((i == last[0]) != (j == last[1])):
            return 0
        return 1 if not shapes[0][i] else 5 if shapes[0][i] == shapes[1][j] else 2

    rows, columns = len(ours), len(theirs)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            found = worth(i, j)
            best[i][j] = max(best[i + 1][j], best[i][j + 1], found + best[i + 1][j + 1] if found else 0)
    pairs: dict[int, int] = {}
    i = j = 0
    while i < rows and j < columns:
        found = worth(i, j)
        if found and best[i][j] == found + best[i + 1][j + 1]:
            pairs[i] = j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    places = {row.layer.id: number for number, row in enumerate(theirs)}
    for number, row in enumerate(ours):  # crossing pairs are shown as the transfer names them
        wanted = places.get(given.get(row.layer.id, ""))
        if wanted is not None and pairs.get(number) != wanted:
            pairs = {one: other for one, other in pairs.items() if other != wanted} | {number: wanted}
    return pairs


# ------------------------------------------------------------------------------------------------ which layers


def with_source(experiment: Experiment, input_shape: Shape, source: TrainedSource, text: str) -> Experiment:
    """The experiment with another source, whose path is `text`.

    Reused layers are kept if they still fit; else all but the output is reused as far as it fits. Phases are kept,
    without the frozen layers that no longer exist.
    """
    before = experiment.transfer
    made = Transfer(source=text, phases=known_phases(experiment))
    if source.input_shape in (None, input_shape):
        try:
            fresh = default_transfer(experiment, input_shape, text, source.layers)
        except UserError:
            fresh = None
        named = experiment if before is None else experiment.replaced(transfer=before)
        kept = tuple(
            Reuse(layer=line.layer, source=line.source.layer.id, mode="share" if line.mode == "share" else "clone")
            for line in lines(named, input_shape, source)
            if line.reused and line.source is not None and line.can_clone and (line.mode == "clone" or line.can_share)
        )
        if kept:
            made = made.replaced(reuse=kept)
        elif fresh is not None:
            made = fresh if not made.phases else made.replaced(reuse=fresh.reuse)
    return experiment.replaced(transfer=made)


def with_mode(experiment: Experiment, line: Line, mode: LineMode) -> Experiment:
    """The experiment with one layer cloned, shared or new. A new layer is frozen in no phase."""
    transfer = experiment.transfer
    if transfer is None or line.target is None or line.source is None:
        return experiment
    others = {item.layer: item for item in transfer.reuse if item.layer != line.layer}
    was_new = len(others) == len(transfer.reuse)
    kept = dict(others)
    if mode in ("clone", "share"):
        kept[line.layer] = Reuse(layer=line.layer, source=line.source.layer.id, mode=mode)
    order = [layer.id for layer in experiment.layers]
    reuse = tuple(sorted(kept.values(), key=lambda item: order.index(item.layer) if item.layer in order else -1))
    after = experiment.replaced(transfer=transfer.replaced(reuse=reuse))
    for number in range(len(transfer.phases)):
        if mode == "new":
            after = with_frozen(after, number, (line.layer,), False)
        elif was_new and others and set(others) <= frozen_in(experiment, number):  # like all the others
            after = with_frozen(after, number, (line.layer,), True)
    return after


def with_reused(experiment: Experiment, every: Sequence[Line], names: Iterable[str]) -> Experiment:
    """The experiment with exactly these layers reused, as far as they fit; newly reused ones are cloned."""
    wanted = set(names)
    for line in every:
        if line.layer in wanted and line.can_clone and not line.reused:
            experiment = with_mode(experiment, line, "clone")
        elif line.reused and line.layer not in wanted:
            experiment = with_mode(experiment, line, "new")
    return experiment


def all_but_the_output(every: Sequence[Line]) -> tuple[str, ...]:
    """The layers that can be reused, except the last one with weights."""
    weighted = [line for line in every if line.target is not None and line.target.variables]
    return tuple(line.layer for line in weighted[:-1] if line.can_clone)


def build_from(experiment: Experiment, source: TrainedSource, summary: DataSummary) -> Experiment:
    """The experiment with the source's layers and a new output for this task; earlier reuse settings are discarded.

    For a pretrained network its encoder is used. Raises `UserError` if the stack has no plain output layer.
    """
    activation = "linear" if not summary.class_names else "sigmoid" if summary.outputs == 1 else "softmax"
    rule = source.experiment.pretraining
    if rule is not None:
        lower = encoder_of(source.experiment, rule.until)
        layers: tuple[AnyLayer, ...] = (*lower, Dense(id=_free("output", lower), units=1))
    else:
        layers = source.layers
    layers = with_output(layers, summary.outputs, activation)
    return experiment.replaced(layers=layers, loss="auto", transfer=None, pretraining=None)


def resembles(every: Sequence[Line]) -> bool:
    """Whether the network has a fitting layer for each layer of the source except the output."""
    weighted = [line for line in every if line.source is not None and line.source.variables]
    return bool(weighted) and all(line.can_clone for line in weighted[:-1])


def _free(name: str, layers: Sequence[AnyLayer]) -> str:
    taken = {layer.id for layer in layers}
    while name in taken:
        name += "_"
    return name


# ---------------------------------------------------------------------------------------------------- judgement


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence below a plan, and whether the plan can be applied and trained."""

    severity: Literal["good", "hint", "error"]
    sentence: str
    hint: str = ""
    can_apply: bool = True
    can_train: bool = True


def judge(experiment: Experiment, summary: DataSummary, source: TrainedSource | None) -> Verdict:
    """The plan's verdict: its first error, else its first warning, else how many layers are reused from where."""
    if source is None:
        return Verdict("hint", "Choose a trained model to start from.", "", False, False)
    shape = summary.input_shape
    try:
        reuse_pairs(experiment, shape, source.layers, source.input_shape or shape)
    except UserError as error:
        return Verdict("error", error.message, error.hint, False, False)
    problems = find_problems(experiment, summary)
    of_plan = [problem for problem in problems if problem.place.startswith("transfer")]
    for problem in (*of_plan, *problems):
        if problem.severity == "error":
            return Verdict("error", problem.title, problem.reason, problem not in of_plan, False)
    counts = f"Shapes fit. {counted(experiment)}."
    warning = next((problem for problem in of_plan if problem.severity == "warning"), None)
    if warning is not None:
        return Verdict("hint", warning.title, warning.reason)
    return Verdict("good", counts)


def counted(experiment: Experiment) -> str:
    """ "3 layers cloned, 1 shared, 1 new." """
    modes = {item.layer: item.mode for item in experiment.transfer.reuse} if experiment.transfer is not None else {}
    found = [modes.get(layer.id, "new") for layer in experiment.active_layers if layer.has_weights]
    parts = [(found.count(mode), word) for mode, word in (("clone", "cloned"), ("share", "shared"), ("new", "new"))]
    (first, *rest) = [(count, word) for count, word in parts if count] or [(0, "")]
    if not first[0]:
        return "no layers"
    return ", ".join([f"{count_of(first[0], 'layer')} {first[1]}", *(f"{count} {word}" for count, word in rest)])


def reused_words(transfer: Transfer) -> str:
    """ "3 cloned, 1 shared"."""
    modes = [item.mode for item in transfer.reuse]
    counts = ((modes.count("clone"), "cloned"), (modes.count("share"), "shared"))
    return ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing reused"


def changing_shared(experiment: Experiment) -> tuple[str, ...]:
    """The shared layers that are trained in at least one phase, which changes them in the source too."""
    transfer = experiment.transfer
    if transfer is None:
        return ()
    phases = [frozen_in(experiment, number) for number in range(len(transfer.phases))]
    always = frozenset.intersection(*phases) if phases else frozenset()
    learns = {layer.id for layer in experiment.active_layers if isinstance(layer, WeightedLayer) and layer.trainable}
    return tuple(item.layer for item in transfer.shared if item.layer in learns and item.layer not in always)


def all_cloned(experiment: Experiment, layers: Iterable[str] | None = None) -> Experiment:
    """The experiment with these shared layers (all, if none are named) cloned instead."""
    transfer = experiment.transfer
    if transfer is None:
        return experiment
    wanted = None if layers is None else set(layers)
    reuse = tuple(
        item.replaced(mode="clone") if wanted is None or item.layer in wanted else item for item in transfer.reuse
    )
    return experiment.replaced(transfer=transfer.replaced(reuse=reuse))
