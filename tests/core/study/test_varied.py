"""What a sweep varies: reading PATH=VALUES, and refusing what the experiment cannot hold."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Dense, Dropout
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.varied import (
    MOST_CHECKED,
    Listed,
    Ranged,
    corners,
    parse_varied,
    value_text,
    values_text,
    with_values,
)

EXPERIMENT = Experiment(
    layers=(
        Dense(id="hidden", units=8, activation="relu"),
        Dropout(id="drop", rate=0.2),
        Dense(id="output", units=10, activation="softmax"),
    )
)


def only(text: str) -> Listed | Ranged:
    (one,) = parse_varied([text], EXPERIMENT)
    return one


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("layers.hidden.units=8,16, 32", (8, 16, 32)),
        ("layers[0].activation=relu,elu", ("relu", "elu")),
        ("training.shuffle=true,false", (True, False)),
        ("training.early_stopping=null,{\"patience\": 3, \"min_delta\": 0}", (None, {"patience": 3, "min_delta": 0})),
        ("optimizer=sgd,adam", ("sgd", "adam")),
        ("name=\"a,b\",c", ("a,b", "c")),
        ("name=../a,../b", ("../a", "../b")),
        ("training.batch_size=64", (64,)),
    ],
)  # fmt: skip
def test_a_list_holds_what_json_or_a_person_writes(text: str, values: tuple[Any, ...]) -> None:
    assert only(text) == Listed(path=text.partition("=")[0], values=values)


@pytest.mark.parametrize(
    ("text", "low", "high", "log", "whole"),
    [
        ("layers.hidden.units=8..64", 8, 64, False, True),
        ("layers.hidden.units=log:8..64", 8, 64, True, True),
        ("layers.drop.rate=0..0.5", 0, 0.5, False, False),
        ("optimizer.learning_rate=log:1e-4..1e-1", 1e-4, 1e-1, True, False),
        ("optimizer.learning_rate=1..2", 1, 2, False, False),
        ("seed = 1 .. 9", 1, 9, False, True),
    ],
)
def test_a_range_is_whole_where_the_field_is(text: str, low: float, high: float, log: bool, whole: bool) -> None:
    assert only(text) == Ranged(path=text.partition("=")[0].strip(), low=low, high=high, log=log, whole=whole)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layers.hidden.units=8,0", "layers.hidden.units=0"),
        ("layers.hidden.units=8,many", "units"),
        ("layers.hidden.units=0.5..2.5", "units"),
        ("layers.drop.rate=0..1", "below 1"),
        ("layers.other.units=1,2", "no item other"),
        ("training.epoch=1,2", "training.epoch"),
        ("layers.hidden.activation=relu,reluu", "reluu"),
        ("layers.hidden.activation=1..2", "activation"),
        ("optimizer.kind=sgd,adamm", "adamm"),
        ("training.batch_size=32,32", "names 32 twice"),
        ("training.batch_size=32,,64", "empty value"),
        ("training.batch_size=", "empty value"),
        ("training.batch_size=64..32", "is empty"),
        ("training.batch_size=8..", "no range"),
        ("training.batch_size=..8", "no range"),
        ("training.batch_size=log:8,16", "no range"),
        ("optimizer.learning_rate=log:0..1", "no logarithm"),
        ("optimizer.learning_rate=0.1..1e999", "finite"),
        ("training.batch_size", "PATH=VALUES"),
        ("=1,2", "PATH=VALUES"),
        ("a b=1,2", "is not a path"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_varied([text], EXPERIMENT)
    assert said in str(caught.value)


def test_nothing_and_the_same_field_twice_are_refused() -> None:
    with pytest.raises(UserError, match="Nothing is varied"):
        parse_varied([], EXPERIMENT)
    with pytest.raises(UserError, match="varied twice"):
        parse_varied(["layers[0].units=1,2", "layers.hidden.units=3,4"], EXPERIMENT)


def test_a_combination_that_no_experiment_holds_is_refused() -> None:
    """The one clipping that may be set, and an option that only one of the kinds has."""
    with pytest.raises(UserError, match="at most one clipping"):
        parse_varied(["optimizer.clipnorm=null,1.0", "optimizer.clipvalue=null,0.5"], EXPERIMENT)
    with pytest.raises(UserError, match=r"With optimizer.beta_1=0.8, optimizer.kind=sgd: "):
        parse_varied(["optimizer.beta_1=0.8,0.9", "optimizer.kind=adam,sgd"], EXPERIMENT)


def test_a_kind_is_set_before_its_options_whatever_was_written_first() -> None:
    values = {"optimizer.learning_rate": 0.3, "optimizer.beta_1": 0.8, "optimizer.kind": "adam"}
    optimizer = with_values(EXPERIMENT, values).optimizer
    assert isinstance(optimizer, Adam)
    assert (optimizer.learning_rate, optimizer.beta_1) == (0.3, 0.8)
    layer = with_values(EXPERIMENT, {"layers[1].rate": 0.4, "layers[1].kind": "alpha_dropout"}).layers[1]
    assert (layer.kind, layer.id, layer.rate) == ("alpha_dropout", "drop", 0.4)


def test_corners_are_all_combinations_or_each_value_once() -> None:
    few = (Listed(path="a", values=(1, 2, 3)), Ranged(path="b", low=0.5, high=4))
    assert [tuple(one.values()) for one in corners(few)] == list(product((1, 2, 3), (0.5, 4)))
    many = tuple(Listed(path=name, values=tuple(range(40))) for name in "abc")
    found = corners(many)
    assert len(found) == MOST_CHECKED + 3 * 39
    for name in "abc":
        assert {one[name] for one in found} == set(range(40))


def test_values_are_written_as_they_are_typed() -> None:
    assert [value_text(value) for value in ("elu", 0.1, 8, True, None)] == ["elu", "0.1", "8", "true", "null"]
    assert values_text({"optimizer.kind": "adam", "seed": 3}) == "optimizer.kind=adam, seed=3"
