"""The one reader of JSON: linear, bounded, and a code for each fault."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.bounded_json import FIGURES, MAX_DEPTH, Bounds, Fault, JsonError, loads, parse_record
from dnnstudio.core.errors import UserError


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.EMPTY),
        (b"\xff{}", Fault.ENCODING),
        ("{", Fault.SYNTAX),
        (deep(MAX_DEPTH + 1), Fault.DEPTH),
        (deep(100_000), Fault.DEPTH),
        ('{"a": 1, "b": 2, "a": 3}', Fault.REPEATED_KEY),
        ('{"a": NaN}', Fault.CONSTANT),
        ('{"a": 1e999}', Fault.NUMBER),
        ('{"a": -1e999}', Fault.NUMBER),
        ('{"a": ' + "9" * 400 + "}", Fault.NUMBER),
        ('{"a": ' + "9" * 900_000 + "}", Fault.NUMBER),
        ('{"a": 9223372036854775808}', Fault.NUMBER),
    ],
)
def test_each_fault_has_its_code(text: str | bytes, fault: Fault) -> None:
    with pytest.raises(JsonError) as caught:
        loads(text)
    assert caught.value.fault is fault


def test_a_record_may_be_as_deep_as_the_limit() -> None:
    assert loads(deep(MAX_DEPTH))


def test_figures_may_be_nan_but_not_too_large() -> None:
    assert loads('{"a": Infinity}', FIGURES) == {"a": float("inf")}
    with pytest.raises(JsonError):
        loads('{"a": 1e400}', FIGURES)


def test_more_values_than_allowed_are_refused() -> None:
    assert loads('{"a": [1, 2]}', Bounds(values=3))
    for text in ('{"a": [1, 2, 3, 4, 5]}', '[{"a": 1}, {"b": 1}]'):
        with pytest.raises(JsonError):
            loads(text, Bounds(values=2))


def test_one_repeated_key_among_many_is_found_in_linear_time() -> None:
    keys = ",".join(f'"k{index}": 1' for index in range(80_000))
    begun = time.process_time()
    with pytest.raises(JsonError, match="k79999"):
        loads("{" + keys + ', "k79999": 2}')
    assert time.process_time() - begun < 1  # it took over a minute


@pytest.mark.parametrize("text", ["[]", "{", "7", '{"a": 1e999}', '{"' + "x" * 100_000 + '": 1e999, "a": NaN'])
def test_a_damaged_record_is_one_short_sentence(text: str) -> None:
    with pytest.raises(UserError, match=r"^notes\.json is damaged: .* Remove it\.$") as caught:
        parse_record(text, name="notes.json", hint="Remove it.")
    assert len(str(caught.value)) <= 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_what_json_writes_is_read_back(plain: object) -> None:
    assert loads(json.dumps(plain), FIGURES) == plain
