"""Planning which layers are reused: what stands beside what, the edits, and the sentence under it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.analysis.reuse_planner import (
    all_but_the_output,
    all_cloned,
    build_from,
    changing_shared,
    counted,
    judge,
    lines,
    resembles,
    with_mode,
    with_reused,
    with_source,
)
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Data, DataSummary, Digits, known_summary
from dnnstudio.core.experiment.layers import Activation, BatchNormalization, Dense, Dropout, Flatten
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import OneCycle
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Transfer
from dnnstudio.core.planning.phases import (
    change_phase,
    frozen_in,
    learning,
    phases_that_change,
    with_frozen,
    with_phase_added,
    with_phase_moved,
)
from dnnstudio.core.workspace.sources import TrainedSource

SHAPE = (8, 8)
HIDDEN = (
    Flatten(id="flatten"),
    Dense(id="h1", units=6, activation="relu"),
    BatchNormalization(id="bn"),
    Dense(id="h2", units=4, activation="relu"),
)
A = Experiment(name="A", layers=(*HIDDEN, Dense(id="output", units=8, activation="softmax")))
B = Experiment(
    name="B",
    data=Data(source=Digits(), classes=Classes(keep=(5, 6), positive=6), train_limit=100),
    layers=(*HIDDEN, Dense(id="answer", units=1, activation="sigmoid")),
    optimizer=SGD(learning_rate=0.1),
)
SUMMARY = known_summary(B.data)
assert SUMMARY is not None


def source(experiment: Experiment = A, shape: Any = SHAPE) -> TrainedSource:
    return TrainedSource(Path("/runs/0001 A"), experiment, shape, experiment.name)


def planned(experiment: Experiment = B) -> Experiment:
    return with_source(experiment, SHAPE, source(), "../runs/0001 A")


def pairs(experiment: Experiment, other: TrainedSource) -> list[tuple[str, str, str]]:
    return [
        (line.source.layer.id if line.source else "", line.layer, line.mode) for line in lines(experiment, SHAPE, other)
    ]


# ------------------------------------------------------------------------------------------------ beside each other


def test_layers_stand_beside_those_that_they_start_from() -> None:
    assert pairs(planned(), source()) == [
        ("flatten", "flatten", "none"),
        ("h1", "h1", "clone"),
        ("bn", "bn", "clone"),
        ("h2", "h2", "clone"),
        ("output", "answer", "new"),
    ]


def test_layers_that_only_one_network_has_stand_alone() -> None:
    thinner = B.replaced(layers=(HIDDEN[0], HIDDEN[1], Dropout(id="drop", rate=0.5), B.layers[-1]))
    assert pairs(thinner, source()) == [
        ("flatten", "flatten", "none"),
        ("h1", "h1", "new"),
        ("", "drop", "none"),
        ("bn", "", "none"),
        ("h2", "", "none"),
        ("output", "answer", "new"),
    ]


def test_of_two_layers_of_a_kind_the_fitting_one_is_meant() -> None:
    wider = A.replaced(layers=(HIDDEN[0], Dense(id="wide", units=9), *A.layers[1:]))
    other = TrainedSource(Path("/x"), wider, SHAPE, "wide")
    only = B.replaced(layers=(Flatten(id="flatten"), Dense(id="mine", units=9), B.layers[-1]))
    assert ("wide", "mine", "new") in pairs(only, other)


def test_crosswise_names_are_shown_as_they_are_named() -> None:
    crossed = Transfer(source="x", reuse=(Reuse(layer="h2", source="h1"), Reuse(layer="h1", source="h2")))
    found = pairs(B.replaced(transfer=crossed), source())
    assert ("h1", "h2", "clone") in found and ("h2", "h1", "clone") in found
    assert sorted(one for one, _, _ in found if one) == ["bn", "flatten", "h1", "h2", "output"]


def test_what_does_not_fit_says_why() -> None:
    other = B.replaced(layers=(HIDDEN[0], Dense(id="h1", units=5, activation="relu"), *HIDDEN[2:], B.layers[-1]))
    line = lines(other, SHAPE, source())[1]
    assert line.misfit == "h1 cannot take over h1: its kernel is 64 × 5, but 64 × 6 in the source"
    assert not line.can_clone and not line.can_share
    elu = B.replaced(layers=(HIDDEN[0], Dense(id="h1", units=6, activation="elu"), *HIDDEN[2:], B.layers[-1]))
    line = lines(elu, SHAPE, source())[1]
    assert line.can_clone and not line.can_share
    assert line.unshareable == "h1 is shared, but its activation is not the same in both networks"


# ---------------------------------------------------------------------------------------------------------- edits


def test_a_source_reuses_all_but_the_output_frozen_first_and_then_not() -> None:
    transfer = planned().transfer
    assert transfer is not None
    assert [item.layer for item in transfer.reuse] == ["h1", "bn", "h2"]
    assert [(phase.epochs, phase.frozen) for phase in transfer.phases] == [(4, ("h1", "bn", "h2")), (16, ())]
    assert transfer.source == "../runs/0001 A"


def test_another_source_keeps_what_fits_and_the_phases() -> None:
    chosen = with_mode(planned(), lines(planned(), SHAPE, source())[3], "new")
    chosen = change_phase(chosen, 1, epochs=3)
    other = TrainedSource(Path("/runs/0002 C"), A.replaced(name="C"), SHAPE, "C")
    again = with_source(chosen, SHAPE, other, "c").transfer
    assert again is not None and again.source == "c"
    assert [item.layer for item in again.reuse] == ["h1", "bn"]
    assert again.phases[1].epochs == 3


def test_what_phases_freeze_that_is_no_layer_any_more_is_forgotten() -> None:
    stale = planned().replaced(layers=(*HIDDEN[:2], *B.layers[-1:]))
    again = with_source(change_phase(stale, 0, frozen=("h1", "h2", "bn*", "h*")), SHAPE, source(), "x").transfer
    assert again is not None and again.phases[0].frozen == ("h1", "h*")
    assert [item.layer for item in again.reuse] == ["h1"]


def test_a_source_of_another_shape_reuses_nothing_and_says_so() -> None:
    other = source(shape=(28, 28))
    plan = with_source(B, SHAPE, other, "x")
    assert plan.transfer is not None and plan.transfer.reuse == ()
    verdict = judge(plan, SUMMARY, other)
    assert verdict.sentence == "The source reads rows of 28 × 28, but this data has 8 × 8."
    assert not verdict.can_apply and not verdict.can_train


def test_a_layer_goes_from_clone_to_share_to_new_and_back() -> None:
    plan = planned()
    line = lines(plan, SHAPE, source())[1]
    shared = with_mode(plan, line, "share")
    assert shared.transfer is not None and [item.layer for item in shared.transfer.shared] == ["h1"]
    fresh = with_mode(shared, line, "new")
    assert fresh.transfer is not None and [item.layer for item in fresh.transfer.reuse] == ["bn", "h2"]
    assert frozen_in(fresh, 0) == {"bn", "h2"}, "a new layer is not frozen"
    back = with_mode(fresh, line, "clone")
    assert back.transfer is not None and [item.layer for item in back.transfer.reuse] == ["h1", "bn", "h2"]
    assert frozen_in(back, 0) == {"h1", "bn", "h2"} and frozen_in(back, 1) == set()


def test_a_range_is_reused_as_a_whole() -> None:
    plan = planned()
    every = lines(plan, SHAPE, source())
    assert all_but_the_output(every) == ("h1", "bn", "h2")
    part = with_reused(plan, every, ("bn", "h2"))
    assert part.transfer is not None and [item.layer for item in part.transfer.reuse] == ["bn", "h2"]
    nothing = with_reused(part, lines(part, SHAPE, source()), ())
    assert judge(nothing, SUMMARY, source()).sentence == "Nothing is reused: no reused layer has weights."
    assert not judge(nothing, SUMMARY, source()).can_apply


def test_a_network_is_built_from_the_source_with_an_output_for_the_task() -> None:
    small = B.replaced(layers=(Flatten(id="flatten"), Dense(id="answer", units=1, activation="sigmoid")))
    assert not resembles(lines(small, SHAPE, source()))
    built = build_from(small, source(), SUMMARY)
    assert [layer.id for layer in built.layers] == ["flatten", "h1", "bn", "h2", "output"]
    assert (built.layers[-1].units, built.layers[-1].activation) == (1, "sigmoid")
    assert resembles(lines(built, SHAPE, source()))
    assert not [problem for problem in find_problems(built, SUMMARY) if problem.severity == "error"]


@pytest.mark.parametrize(
    ("names", "binary", "units", "activation"),
    [(("a", "b", "c"), False, 3, "softmax"), ((), False, 1, "linear"), (("no", "yes"), True, 1, "sigmoid")],
)
def test_the_new_output_follows_the_task(names: Any, binary: bool, units: int, activation: str) -> None:
    summary = DataSummary(input_shape=SHAPE, class_names=names, binary=binary)
    output = build_from(B, source(), summary).layers[-1]
    assert (output.units, output.activation) == (units, activation)


def test_of_an_autoencoder_the_encoder_is_taken() -> None:
    drawn = A.replaced(
        layers=(*HIDDEN, Dense(id="decoder_2", units=6), Dense(id="decoder_1", units=64)),
        pretraining=Autoencoder(until="h2"),
    )
    built = build_from(B, source(drawn), SUMMARY)
    assert [layer.id for layer in built.layers] == ["flatten", "h1", "bn", "h2", "output"]


def test_a_stack_without_a_plain_output_cannot_be_built_from() -> None:
    odd = A.replaced(layers=(*A.layers, Activation(id="soft", activation="softmax")))
    with pytest.raises(UserError, match="activation of its own follows the output"):
        build_from(B, source(odd), SUMMARY)


# --------------------------------------------------------------------------------------------------------- phases


def test_a_pattern_gives_way_to_the_names_when_one_of_them_is_freed() -> None:
    plan = change_phase(planned(), 0, frozen=("h*", "bn"))
    assert frozen_in(plan, 0) == {"h1", "h2", "bn"}
    freed = with_frozen(plan, 0, ("h2",), False)
    assert freed.transfer is not None and freed.transfer.phases[0].frozen == ("h1", "bn")
    again = with_frozen(freed, 0, ("h2", "h1"), True)
    assert frozen_in(again, 0) == {"h1", "h2", "bn"}


def test_what_learns_is_counted_by_hand() -> None:
    h1, bn, h2, answer = 64 * 6 + 6, 4 * 6, 6 * 4 + 4, 4 + 1
    total = h1 + bn + h2 + answer
    frozen, free = learning(planned(), SHAPE, 0), learning(planned(), SHAPE, 1)
    assert (frozen.trainable, frozen.total, frozen.layers) == (answer, total, ("answer",))
    assert frozen.sentence == f"{answer} of {total} parameters: answer"
    assert free.trainable == total - 2 * 6, "the moving averages never learn by gradients"
    everything = change_phase(planned(), 0, frozen=("*",))
    assert learning(everything, SHAPE, 0).sentence == "nothing: every layer is frozen"


def test_phases_are_added_and_moved() -> None:
    three = with_phase_added(planned())
    assert three.transfer is not None and len(three.transfer.phases) == 3
    assert three.transfer.phases[2].frozen == ()
    moved = with_phase_moved(three, 0, 1)
    assert moved.transfer is not None
    assert [phase.epochs for phase in moved.transfer.phases] == [16, 4, 16]
    bare = B.replaced(transfer=Transfer(source="x"))
    assert with_phase_added(bare).transfer == Transfer(source="x", phases=(Phase(epochs=B.training.epochs),))


def test_shared_layers_change_the_source_only_where_they_learn() -> None:
    plan = with_mode(planned(), lines(planned(), SHAPE, source())[1], "share")
    assert changing_shared(plan) == ("h1",)
    assert phases_that_change(plan, "h1") == (2,)
    assert changing_shared(with_frozen(plan, 1, ("h1",), True)) == ()
    assert changing_shared(all_cloned(plan)) == ()
    assert all_cloned(plan, ("h2",)) == plan


# ------------------------------------------------------------------------------------------------------- judgement


def test_the_sentence_counts_layers() -> None:
    plan = with_mode(planned(), lines(planned(), SHAPE, source())[1], "share")
    assert judge(plan, SUMMARY, source()).sentence == "Shapes fit. 2 layers cloned, 1 shared, 1 new."
    assert counted(with_reused(plan, lines(plan, SHAPE, source()), ("h1",))) == "1 layer shared, 3 new"


def test_an_error_elsewhere_can_be_applied_but_not_trained() -> None:
    wrong = planned(B.replaced(layers=(*HIDDEN, Dense(id="answer", units=3, activation="softmax"))))
    verdict = judge(wrong, SUMMARY, source())
    assert verdict.severity == "error" and verdict.can_apply and not verdict.can_train
    assert "answer has 3 units" in verdict.sentence


def test_a_phase_that_freezes_everything_cannot_be_applied() -> None:
    verdict = judge(change_phase(planned(), 0, frozen=("*",)), SUMMARY, source())
    assert verdict.sentence == "Phase 1 freezes every layer, so nothing can be learnt in it."
    assert not verdict.can_apply


def test_a_rate_without_effect_is_a_hint() -> None:
    cycle = planned(B.replaced(schedule=OneCycle()))
    verdict = judge(cycle, SUMMARY, source())
    assert verdict.severity == "hint" and verdict.can_train
    assert "has no effect" in verdict.sentence


def test_without_a_source_there_is_nothing_to_apply() -> None:
    verdict = judge(B, SUMMARY, None)
    assert verdict.sentence == "Choose a trained model to start from."
    assert not verdict.can_apply
