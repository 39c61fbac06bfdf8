"""Every field of every part of an experiment can be shown in a form and explained; records are strict and frozen."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
from pydantic import ValidationError

from dnnstudio.core.experiment.data import SOURCE_KINDS
from dnnstudio.core.experiment.fields import Option, field_hint, initial_value, option, option_kinds, ordered_fields
from dnnstudio.core.experiment.layers import LAYER_KINDS, Dense
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.weights import L1L2, HeNormal


def every_record() -> list[type[Option]]:
    """All records that an experiment can hold, found through its fields."""
    found: list[type[Option]] = []
    waiting: list[type[Option]] = [Experiment]
    while waiting:
        record = waiting.pop()
        if record not in found:
            found.append(record)
            waiting += [
                kind for field in record.model_fields.values() for kind in option_kinds(field.annotation).values()
            ]
    return sorted(found, key=lambda record: record.__name__)


class Sample(Option):
    kind: Literal["sample"] = "sample"
    label: ClassVar[str] = "Sample"
    not_keras = frozenset({"kind", "note"})
    inherited: int = option(1, title="Inherited", help="Comes last.", late=True)
    size: int = option(title="Size", help="A size.", initial=3, ge=1)
    note: str | None = option(None, title="Note", help="A note.", advanced=True, unit="words")


def test_everything_is_reached() -> None:
    names = {record.__name__ for record in every_record()}
    assert {cls.__name__ for cls in (*LAYER_KINDS.values(), *OPTIMIZER_KINDS.values())} <= names
    assert {"HeNormal", "L1L2", "MaxNorm", "EarlyStopping", "Classes", "FirstRows"} <= names


@pytest.mark.parametrize("record", every_record(), ids=lambda record: record.__name__)
def test_every_field_teaches_and_every_kind_starts_valid(record: type[Option]) -> None:
    for name, field in record.model_fields.items():
        if name not in ("kind", "format"):
            assert field.title and field.title[0].isupper(), name
            assert (field.description or "").endswith("."), name
            assert "!" not in (field.description or "")
    fresh = record.new()
    assert fresh == record.new()
    if "kind" in record.model_fields:
        assert record.label and record.help.endswith("."), record
        assert record(**{"kind": fresh.kind} | dict(fresh)) == fresh


@pytest.mark.parametrize("record", every_record(), ids=lambda record: record.__name__)
def test_a_record_is_frozen_and_takes_no_unknown_field(record: type[Option]) -> None:
    fresh = record.new()
    with pytest.raises(ValidationError, match="frozen"):
        fresh.kind = "other"
    with pytest.raises(ValidationError, match="extra_forbidden"):
        record.new(nonsense=1)


@pytest.mark.parametrize("units", [0, -3, 2.5, "7", True, None, float("nan"), 1_000_001])
def test_units_are_a_whole_number_in_range(units: Any) -> None:
    with pytest.raises(ValidationError):
        Dense(id="d", units=units)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.2, "0.5", True, None, float("nan"), float("inf")])
def test_a_rate_is_at_least_zero_and_below_one(rate: Any) -> None:
    with pytest.raises(ValidationError):
        LAYER_KINDS["dropout"](id="d", rate=rate)  # type: ignore[call-arg]


def test_a_whole_number_is_taken_where_a_float_is_meant() -> None:
    assert L1L2(l2=1).l2 == 1.0
    assert isinstance(L1L2(l2=1).l2, float)


def test_a_copy_with_changes_is_checked() -> None:
    assert Dense(id="d", units=3).replaced(units=4, kernel_initializer=HeNormal()).units == 4
    with pytest.raises(ValidationError):
        Dense(id="d", units=3).replaced(units=0)


def test_keras_gets_only_what_it_knows() -> None:
    assert Sample.new().keras_arguments() == {"inherited": 1, "size": 3}
    arguments = Dense(id="d", units=3, enabled=False, trainable=False).keras_arguments()
    assert not {"kind", "id", "enabled", "trainable"} & set(arguments)
    assert arguments["units"] == 3


def test_hints_of_a_field_are_told() -> None:
    fields = Sample.model_fields
    assert field_hint(fields["note"], "advanced") is True
    assert field_hint(fields["note"], "unit") == "words"
    assert field_hint(fields["size"], "advanced") is None
    assert initial_value(fields["size"]) == 3
    assert initial_value(fields["inherited"]) == 1
    assert [name for name, _ in ordered_fields(Sample)] == ["kind", "size", "note", "inherited"]


def test_the_kinds_of_a_field_are_found_through_unions() -> None:
    assert list(option_kinds(Dense.model_fields["kernel_regularizer"].annotation)) == ["l1_l2", "orthogonal"]
    assert option_kinds(Training.model_fields["early_stopping"].annotation) == {"": EarlyStopping}
    assert option_kinds(Training.model_fields["epochs"].annotation) == {}
    assert option_kinds(Experiment.model_fields["layers"].annotation) == LAYER_KINDS


def test_a_limited_source_is_told_apart_from_the_one_for_all() -> None:
    """By its title, which must not be the other's with a word more, and by its help, which names the other."""
    for first, second in (("csv", "table"), ("image_folder", "pictures")):
        limited, any_kind = SOURCE_KINDS[first], SOURCE_KINDS[second]
        assert any_kind.label.lower() not in limited.label.lower()
        assert limited.help.endswith(f"choose {any_kind.label}.")
        assert "any " in any_kind.help
    assert ".csv" in SOURCE_KINDS["csv"].help
    assert all(word in SOURCE_KINDS["table"].help for word in (".csv", "Excel", "ODS", "Parquet"))
