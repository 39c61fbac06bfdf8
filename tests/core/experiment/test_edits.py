"""Edits are pure, say what is impossible, and leave everything else as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import MNIST, Classes, Data, Fraction
from dnnstudio.core.experiment.layers import (
    LAYER_KINDS,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
)
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Experiment
from dnnstudio.core.experiment.schedules import Piecewise
from dnnstudio.core.experiment.weights import L1L2, HeNormal, MaxNorm, VarianceScaling

START = Experiment(
    layers=(
        Flatten(id="flat"),
        Dense(id="dense_1", units=30, activation="relu"),
        Dropout(id="drop_1", rate=0.2),
        Dense(id="dense_2", units=10, activation="softmax"),
    ),
    optimizer=SGD(learning_rate=0.05, momentum=0.9, clipnorm=1.0),
)


def ids(experiment: Experiment) -> list[str]:
    return list(edits.ids_of(experiment))


def refusal(edit: Callable[[], Any]) -> str:
    """The sentence with which an edit is refused; the experiment is untouched, since it is frozen."""
    with pytest.raises(UserError) as caught:
        edit()
    return str(caught.value)


# ---------------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("kind", sorted(LAYER_KINDS))
def test_a_new_layer_of_every_kind_can_be_added(kind: str) -> None:
    layer = edits.new_layer(START, kind)
    after = edits.add_layer(START, layer, 1)
    assert after.layers[1] == layer
    assert edits.remove_layers(after, [layer.id]) == START


def test_new_layers_are_named_by_their_kind_and_the_next_free_number() -> None:
    assert edits.new_layer(START, "dense").id == "dense_3"
    assert edits.new_layer(START, "batch_normalization").id == "bn_1"
    assert edits.new_layer(START, "activation").id == "act_1"
    assert edits.new_layer(Experiment(), "flatten").id == "flatten"
    after = edits.add_layer(START, edits.new_layer(START, "flatten"))
    assert edits.new_layer(after, "flatten").id == "flatten_1"


def test_a_new_input_has_the_shape_of_the_data() -> None:
    assert edits.new_layer(START, "input") == LAYER_KINDS["input"].new(id="input", shape=(8, 8))
    mnist = Experiment(data=Data(source=MNIST()))
    assert edits.new_layer(mnist, "input") == LAYER_KINDS["input"].new(id="input", shape=(28, 28))


def test_a_new_layer_is_refused_with_a_reason() -> None:
    assert refusal(lambda: edits.new_layer(START, "lambda")).startswith('There is no layer kind "lambda".')
    assert refusal(lambda: edits.new_layer(START, "dense", units=0)).startswith("units is 0; it must be at least 1")


def test_a_layer_is_added_where_it_is_wanted_and_at_the_end_without_a_place() -> None:
    layer = Dense(id="new", units=3)
    assert ids(edits.add_layer(START, layer, 0)) == ["new", "flat", "dense_1", "drop_1", "dense_2"]
    assert ids(edits.add_layer(START, layer, 2)) == ["flat", "dense_1", "new", "drop_1", "dense_2"]
    assert ids(edits.add_layer(START, layer)) == ["flat", "dense_1", "drop_1", "dense_2", "new"]
    assert ids(edits.add_layer(START, layer, 99)) == ids(edits.add_layer(START, layer))


def test_a_taken_name_becomes_a_free_one_when_a_layer_is_added() -> None:
    after = edits.add_layer(START, Dense(id="dense_1", units=3), 0)
    assert ids(after)[0] == "dense_3"
    assert edits.added_ids(START, after) == ("dense_3",)
    output = edits.add_layer(START, Dense(id="output", units=3))
    assert edits.added_ids(output, edits.duplicate_layers(output, ["output"])) == ("output_2",)


def test_a_very_long_name_is_shortened_to_make_room_for_the_number() -> None:
    long = Experiment(layers=(Dense(id="x" * 64, units=3),))
    name = edits.added_ids(long, edits.duplicate_layers(long, ["x" * 64]))[0]
    assert len(name) <= 64 and name.endswith("_2")


def test_layers_are_removed_and_only_those() -> None:
    assert ids(edits.remove_layers(START, ["drop_1", "flat"])) == ["dense_1", "dense_2"]
    assert edits.remove_layers(START, []) == START


@pytest.mark.parametrize(
    ("moved", "index", "order"),
    [
        (["flat"], 0, ["flat", "dense_1", "drop_1", "dense_2"]),
        (["flat"], 1, ["flat", "dense_1", "drop_1", "dense_2"]),
        (["flat"], 2, ["dense_1", "flat", "drop_1", "dense_2"]),
        (["flat"], 4, ["dense_1", "drop_1", "dense_2", "flat"]),
        (["dense_2"], 0, ["dense_2", "flat", "dense_1", "drop_1"]),
        (["dense_2", "flat"], 2, ["dense_1", "flat", "dense_2", "drop_1"]),
        (["dense_1", "drop_1"], 0, ["dense_1", "drop_1", "flat", "dense_2"]),
        (["dense_1", "drop_1"], 99, ["flat", "dense_2", "dense_1", "drop_1"]),
    ],
)
def test_layers_move_to_the_gap_they_are_dropped_in(moved: list[str], index: int, order: list[str]) -> None:
    assert ids(edits.move_layers(START, moved, index)) == order


def test_copies_come_right_after_the_last_of_their_originals() -> None:
    after = edits.duplicate_layers(START, ["dense_1", "flat"])
    assert ids(after) == ["flat", "dense_1", "flat_2", "dense_3", "drop_1", "dense_2"]
    assert after.layers[3] == Dense(id="dense_3", units=30, activation="relu")
    assert edits.duplicate_layers(START, []) == START


def test_a_layer_is_switched_off_and_on_without_leaving_the_list() -> None:
    off = edits.set_enabled(START, ["drop_1"], False)
    assert ids(off) == ids(START)
    assert [layer.id for layer in off.active_layers] == ["flat", "dense_1", "dense_2"]
    assert edits.set_enabled(off, ["drop_1"], True) == START


def test_a_name_is_changed_only_to_a_free_and_proper_one() -> None:
    assert ids(edits.rename_layer(START, "dense_2", "output"))[-1] == "output"
    assert 'layers[3].id "flat" is taken' in refusal(lambda: edits.rename_layer(START, "dense_2", "flat"))
    assert "starts with a letter" in refusal(lambda: edits.rename_layer(START, "dense_2", "2nd layer"))


def test_a_kind_is_changed_and_what_both_have_stays() -> None:
    start = edits.replace_layer(START, "drop_1", rate=0.4, monte_carlo=True)
    assert edits.change_kind(start, "drop_1", "alpha_dropout").layers[2] == AlphaDropout(
        id="drop_1", rate=0.4, monte_carlo=True
    )
    assert edits.change_kind(START, "drop_1", "dropout") == START
    assert edits.change_kind(START, "dense_1", "activation").layers[1] == Activation(id="dense_1", activation="relu")


def test_unknown_layers_are_refused_by_name() -> None:
    for edit in (
        lambda: edits.remove_layers(START, ["flat", "nix"]),
        lambda: edits.move_layers(START, ["nix"], 0),
        lambda: edits.duplicate_layers(START, ["nix"]),
        lambda: edits.replace_layer(START, "nix", units=3),
        lambda: edits.set_enabled(START, ["nix"], True),
        lambda: edits.copy_text(START, ["nix"]),
    ):
        assert refusal(edit) == 'There is no layer "nix". It may have been removed or renamed.'


def test_a_stack_has_a_limit() -> None:
    big = Experiment(layers=tuple(Flatten(id=f"f{i}") for i in range(edits.MAX_LAYERS)))
    assert refusal(lambda: edits.add_layer(big, Flatten(id="one"))).startswith("That would be 10,001 layers.")


# ------------------------------------------------------------------------------------- many at once


def test_many_layers_are_changed_at_once_where_they_have_the_field() -> None:
    after = edits.change_layers(START, ids(START), kernel_initializer=HeNormal(), trainable=False)
    assert [getattr(layer, "trainable", None) for layer in after.layers] == [None, False, None, False]
    assert after.layers[1].kernel_initializer == HeNormal() == after.layers[3].kernel_initializer
    assert (after.layers[0], after.layers[2]) == (START.layers[0], START.layers[2])


def test_a_part_of_a_part_is_changed_in_many_layers() -> None:
    after = edits.change_layers(START, ["dense_1", "dense_2"], **{"kernel_regularizer.l2": 0.01})
    assert after.layers[1].kernel_regularizer == after.layers[3].kernel_regularizer == L1L2(l2=0.01)
    again = edits.change_layers(after, ["dense_1"], **{"kernel_regularizer.l1": 0.5})
    assert again.layers[1].kernel_regularizer == L1L2(l1=0.5, l2=0.01)


def test_a_field_that_no_chosen_layer_has_is_refused() -> None:
    assert refusal(lambda: edits.change_layers(START, ["flat", "drop_1"], units=3)).startswith(
        "None of these layers has units."
    )
    assert refusal(lambda: edits.replace_layer(START, "flat", unit=3)).startswith("layers[0].unit is not a known key.")


# ------------------------------------------------------------------------------------- copy and paste


def test_the_clipboard_holds_layers_as_the_file_does() -> None:
    text = edits.copy_text(START, ["dense_2", "drop_1"])
    assert json.loads(text) == [
        {"kind": "dropout", "id": "drop_1", "monte_carlo": False, "rate": 0.2},
        {"kind": "dense", "id": "dense_2", "trainable": True, "units": 10, "activation": "softmax", "use_bias": True,
         "kernel_initializer": {"kind": "glorot_uniform"}},
    ]  # fmt: skip


def test_pasted_layers_get_free_names_and_their_place() -> None:
    after = edits.paste_text(START, edits.copy_text(START, ["dense_1", "drop_1"]), 1)
    assert ids(after) == ["flat", "dense_3", "drop_2", "dense_1", "drop_1", "dense_2"]
    assert edits.paste_text(Experiment(), edits.copy_text(START, ids(START))).layers == START.layers


def test_one_layer_or_a_whole_experiment_may_be_pasted_too() -> None:
    one = edits.paste_text(START, '{"kind": "flatten", "id": "more"}')
    assert ids(one)[-1] == "more"
    whole = edits.paste_text(Experiment(), json.dumps({"layers": [{"kind": "flatten", "id": "more"}], "seed": 3}))
    assert ids(whole) == ["more"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello", "The clipboard is not valid JSON"),
        ("[]", "The clipboard holds no layers."),
        ("[1]", "layers[0] is 1; it must be an object in braces."),
        ('[{"kind": "dense", "id": "d"}]', "layers[0].units is missing."),
        ('[{"kind": "lambda", "id": "d"}]', 'layers[0].kind is "lambda"; it must be one of input'),
        ("3", "layers is 3; it must be a list in square brackets."),
        (" " * (edits.MAX_TEXT + 1), "The clipboard holds too much text"),
    ],
    ids=range(7),
)
def test_what_is_no_layers_is_not_pasted(text: str, sentence: str) -> None:
    assert refusal(lambda: edits.paste_text(START, text)).startswith(sentence)


# ---------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("training.epochs", 5, 5),
        ("training.early_stopping", {"patience": 3}, EarlyStopping(patience=3)),
        ("training.early_stopping.patience", 3, 3),
        ("layers[1].units", 7, 7),
        ("layers.1.units", 7, 7),
        ("layers.dense_1.units", 7, 7),
        ("layers[dense_1].kernel_constraint", {"kind": "max_norm"}, MaxNorm()),
        ("layers.dense_1.kernel_constraint", "max_norm", MaxNorm()),
        ("layers.dense_1.kernel_regularizer.l2", 0.5, 0.5),
        ("layers.dense_1.kernel_initializer", VarianceScaling(scale=2.0), VarianceScaling(scale=2.0)),
        ("layers.dense_1.kernel_initializer.kind", "he_normal", "he_normal"),
        ("layers.drop_1", {"kind": "flatten", "id": "f"}, Flatten(id="f")),
        ("data.source.kind", "npz", "npz"),
        ("data.classes.keep", [5, 6], (5, 6)),
        ("data.validation", Fraction(fraction=0.5), Fraction(fraction=0.5)),
        ("data", Data(classes=Classes(keep=(1, 2))), Data(classes=Classes(keep=(1, 2)))),
        ("optimizer", "adam", Adam()),
        ("optimizer.learning_rate", 1, 1.0),
        ("optimizer.clipnorm", None, None),
        ("schedule", {"kind": "piecewise", "boundaries": [2], "rates_between": [0.1, 0.01]},
         Piecewise(boundaries=(2.0,), rates_between=(0.1, 0.01))),
        ("seed", 3, 3),
        ("name", "x.y", "x.y"),
        ("layers", [], ()),
    ],
)  # fmt: skip
def test_a_value_is_set_by_its_path_and_nothing_else_changes(path: str, value: Any, expected: Any) -> None:
    after = edits.set_value(START, path, value)
    if path != "layers.drop_1":  # named by the id that it had before
        assert edits.get_value(after, path) == expected
    top = path.split(".")[0].split("[")[0]
    assert after.model_copy(update={top: getattr(START, top)}) == START
    assert Experiment.model_validate(dict(after)) == after


def test_a_new_optimizer_keeps_the_clipping_but_not_the_rate() -> None:
    after = edits.set_value(START, "optimizer.kind", "adam")
    assert after.optimizer == Adam(clipnorm=1.0)


def test_a_list_item_is_set_by_its_position() -> None:
    start = edits.set_value(START, "data.classes.keep", [1, 2, 3])
    assert edits.set_value(start, "data.classes.keep[1]", 7).data.classes.keep == (1, 7, 3)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("training.epochs", 0, "training.epochs is 0; it must be at least 1"),
        ("training.epochs", "5", 'training.epochs is "5"; it must be a whole number'),
        ("training.epoch", 5, 'training.epoch is not a known key. Did you mean "epochs"?'),
        ("trainin.epochs", 5, 'trainin is not a known key. Did you mean "training"?'),
        ("seed.x", 5, "seed has no parts, so seed.x is nothing."),
        ("layers[9].units", 5, "layers has no item 9; it holds 4, counted from 0."),
        ("layers.nix.units", 5, "layers has no item nix; it holds 4, counted from 0."),
        ("layers[1].units", -3, "layers[1].units is -3; it must be at least 1"),
        ("layers[1].units", float("nan"), "layers[1].units is NaN; it must be a whole number"),
        ("layers[1].kernel_regularizer.l3", 1, "layers[1].kernel_regularizer.l3 is not a known key."),
        ("layers[1].id", "flat", 'layers[1].id "flat" is taken; each layer needs a name of its own. Choose another'),
        ("layers[1].kind", "lambda", 'layers[1].kind is "lambda"; it must be one of input'),
        ("optimizer.kind", "he_normal", 'optimizer.kind is "he_normal"; it must be one of sgd'),
        ("optimizer", "he_normal", 'optimizer is "he_normal"; it must be an object in braces.'),
        ("optimizer.clipvalue", 1.0, "Optimizer has clipnorm and clipvalue; at most one clipping may be set."),
        ("schedule", {"kind": "piecewise", "boundaries": [3, 2]}, "Piecewise boundaries are 3, 2"),
        ("x..y", 1, '"x..y" is not a path. Write it like training.epochs'),
        ("", 1, '"" is not a path.'),
        ("training.epochs", object(), 'training.epochs is "<object'),
    ],
)
def test_an_impossible_value_is_refused_in_a_sentence(path: str, value: Any, sentence: str) -> None:
    assert refusal(lambda: edits.set_value(START, path, value)).startswith(sentence)


def test_what_stands_nowhere_cannot_be_asked_for() -> None:
    assert refusal(lambda: edits.get_value(START, "training.epoch")).startswith("training.epoch is not a known key.")
    assert refusal(lambda: edits.get_value(START, "seed.x")) == "seed has no part x."


# ----------------------------------------------------------------------------------------------- speed


def test_edits_of_a_thousand_layers_stay_quick() -> None:
    """10 ms an edit is the promise on a quiet machine; the best of some tries is what the code can do."""
    kinds = (lambda i: Dense(id=f"d{i}", units=9), lambda i: BatchNormalization(id=f"d{i}"))
    start = Experiment(layers=tuple(kinds[i % 2](i) for i in range(1000)))
    every = edits.ids_of(start)
    quick: dict[str, Callable[[], Experiment]] = {
        "add": lambda: edits.add_layer(start, edits.new_layer(start, "dense"), 500),
        "remove": lambda: edits.remove_layers(start, every[100:200]),
        "move": lambda: edits.move_layers(start, every[100:200], 900),
        "duplicate": lambda: edits.duplicate_layers(start, every[:100]),
        "set": lambda: edits.set_value(start, "layers[500].units", 3),
        "epochs": lambda: edits.set_value(start, "training.epochs", 3),
        "replace": lambda: edits.replace_layer(start, "d500", units=3),
    }
    for name, edit in quick.items():
        best = min(_seconds(edit) for _ in range(7))
        assert best < 0.02, f"{name}: {best * 1000:.1f} ms"


def _seconds(edit: Callable[[], Experiment]) -> float:
    start = time.perf_counter()
    edit()
    return time.perf_counter() - start
