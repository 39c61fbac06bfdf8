"""Sizes, numbers and names at and beyond what a model file may hold; what other files are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnnstudio.core.bounded_json import MAX_DEPTH
from dnnstudio.core.errors import UserError
from dnnstudio.engine.model_files.child import answer
from dnnstudio.engine.model_files.reading import read_model
from dnnstudio.engine.model_files.strict_json import parse_json

Craft = Any  # conftest's; test modules cannot import it
Case = Callable[[Craft], bytes]


def spoiled(craft: Craft, **settings: str) -> bytes:
    """A .keras file whose Dense layer holds raw JSON text for some of its settings."""
    text = json.dumps(craft.network(craft.dense(**{name: f"@{name}" for name in settings})))
    for name, value in settings.items():
        text = text.replace(f'"@{name}"', value)
    return craft.keras(config=text)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("0", "units is 0; it must be at least 1"),
        ("-5", "units is -5; it must be at least 1"),
        ("2.5", "units is 2.5; it must be a whole number"),
        ('"7"', 'units is "7"; it must be a whole number'),
        ("true", "units is true; it must be a whole number"),
        ("null", "units is null; it must be a whole number"),
        ("1000001", "units is 1000001; it must be at least 1 and at most 1,000,000"),
        ("1e12", "it must be"),
        ("1e400", "it must be"),
        ("NaN", "is not valid JSON"),
        ("Infinity", "is not valid JSON"),
        ("9" * 5000, "is not valid JSON"),
        ("[3]", "it must be a whole number"),
        ("{}", "it must be a whole number"),
    ],
)
def test_impossible_units_are_named_with_their_layer(craft: Craft, value: str, sentence: str) -> None:
    error = answer(spoiled(craft, units=value))[0]["error"]
    assert sentence in error
    assert "JSON" in sentence or 'Layer 2, "dense_1", cannot be used' in error


def test_a_network_too_large_for_a_file_is_refused_before_anything_is_built(craft: Craft) -> None:
    fits = craft.network(craft.dense(units=1_000_000), shape=[None, 66])  # 4 × 67 million bytes
    too_much = craft.network(craft.dense(units=1_000_000), shape=[None, 67])
    assert "kernel of dense_1" in answer(craft.keras(config=fits))[0]["error"]
    assert "needs 272.0 MB of weights; at most 268.4 MB" in answer(craft.keras(config=too_much))[0]["error"]


@pytest.mark.parametrize(
    ("size", "sentence"), [(50_000_000, "needs"), (50_000_001, "The input has rows of 50,000,001")]
)
def test_rows_have_a_greatest_length(craft: Craft, size: int, sentence: str) -> None:
    assert sentence in answer(craft.keras(config=craft.network(craft.dense(units=2), shape=[None, size])))[0]["error"]


def test_a_layer_may_not_blow_a_row_up(craft: Craft) -> None:
    layers = (craft.layer("Reshape", "r", target_shape=[10, 1]), craft.dense("d", units=1_000_000))
    header, _ = answer(craft.keras(config=craft.network(*layers, shape=[None, 10])))
    assert "kernel of d" in header["error"]
    layers = (craft.layer("Reshape", "r", target_shape=[100, 1]), craft.dense("d", units=1_000_000))
    header, _ = answer(craft.keras(config=craft.network(*layers, shape=[None, 100])))
    assert "rows of 100 × 1,000,000" in header["error"]


@pytest.mark.parametrize(
    ("count", "sentence"), [(200, ""), (201, "at most 200"), (400, "at most 200"), (9000, "at most")]
)
def test_layers_are_counted_before_they_are_read(craft: Craft, count: int, sentence: str) -> None:
    layers = [craft.layer("Activation", f"a{number}", activation="relu") for number in range(count)]
    header, _ = answer(craft.keras(*layers, weights=craft.weights(lambda file: file.__delitem__("layers"))))
    assert sentence in header.get("error", "")
    assert bool(sentence) == ("error" in header)


def deep(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"x", b"\xff\xfe", b"[1]", b"7", b"null", b'"Sequential"', b"{", b"{}"),
        *(b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": "\\ud800"}'),
        *(deep(MAX_DEPTH + 1).encode(), deep(100_000).encode(), b"[" * 100_000),
        b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        json.dumps({"a": list(range(1_000_000))}).encode()[: 4 * 2**20],
        b'{"k":[' + b"{}," * 390_000 + b"1]}",
        b"{" + b" " * (4 * 2**20) + b"}",
    ],
)
def test_json_of_any_kind_gives_one_sentence(craft: Craft, text: bytes) -> None:
    header, _ = answer(craft.keras(config=text))
    assert "error" in header
    assert "bug" not in header


def test_json_may_be_as_deep_as_the_limit() -> None:
    assert parse_json(deep(MAX_DEPTH).encode(), what="It")
    with pytest.raises(UserError, match="nested more than"):
        parse_json(deep(MAX_DEPTH + 1).encode(), what="It")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = ("class_name", "config", "name", "units", "activation", "module", "registered_name", "layers", "batch_shape",
        "kernel_initializer", "kernel_regularizer", "trainable", "dtype", "build_input_shape")  # fmt: skip


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_descriptions_with_anything_anywhere_never_surprise(craft: Craft, data: st.DataObject) -> None:
    plain = craft.network(craft.dense(kernel_initializer={"class_name": "HeNormal", "config": {"seed": None}}))
    places: list[tuple[Any, Any]] = []

    def walk(item: Any) -> None:
        for key in range(len(item)) if isinstance(item, list) else list(item):
            places.append((item, key))
            if isinstance(item[key], dict | list):
                walk(item[key])

    walk(plain)
    holder, key = data.draw(st.sampled_from(range(len(places))).map(places.__getitem__))
    holder[key] = data.draw(PLAIN)
    if data.draw(st.booleans()) and isinstance(holder, dict):
        holder[data.draw(st.sampled_from(KEYS))] = data.draw(PLAIN)
    header, _ = answer(craft.keras(config=json.dumps(plain)))
    assert "bug" not in header, header["bug"]
    assert "layers" in header or header["error"].isprintable()


@pytest.mark.parametrize(
    "name", ["a/b", "..", "../../etc/passwd", "é" * 100_000, "a\u202eb", "x\0y", "🙂", "", " ", "1st", "-"]
)
def test_odd_layer_names_become_safe_ones_and_are_said(craft: Craft, name: str) -> None:
    header, _ = answer(craft.keras(craft.dense(name)))
    identifier = header["layers"][0]["id"]
    assert identifier.isascii()
    assert identifier[0].isalpha()
    assert all(letter.isalnum() or letter in "_-" for letter in identifier)
    assert len(identifier) <= 64
    assert any(identifier in note for note in header["notes"])
    assert all(letter.isprintable() for note in header["notes"] for letter in note)
    assert list(header["arrays"]) == [identifier]


def test_layers_of_one_name_get_names_of_their_own(craft: Craft) -> None:
    layers = [craft.layer("Activation", "twin", activation="relu") for _ in range(3)]
    header, _ = answer(craft.keras(*layers, craft.dense()))
    assert [layer["id"] for layer in header["layers"]] == ["twin", "twin_2", "twin_3", "dense_1"]


@pytest.mark.parametrize(
    ("version", "opens"),
    [("2.15.0", True), ("3.0.0", True), ("4.0.0", False), ("1.2", False), (7, False), (None, True)],
)
def test_the_version_of_keras_decides(craft: Craft, version: Any, opens: bool) -> None:
    metadata = None if version is None else json.dumps({"keras_version": version})
    header, _ = answer(craft.keras(**{"metadata.json": metadata}))
    assert ("layers" in header) == opens
    assert opens or f'written by Keras "{version}"' in header["error"]


OTHERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty."),
    "torch zip": (b"zip:archive/data.pkl", "This is a PyTorch file."),
    "npz": (b"zip:x.npy", "This is a NumPy archive (.npz)."),
    "saved model zip": (b"zip:m/saved_model.pb", "This is a zipped SavedModel."),
    "some zip": (b"zip:hello.txt", "This is a zip archive without a Keras model."),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(50), "This is a TensorFlow Lite file"),
    "onnx": (b"\x08\x08\x12\x07pytorch", "This is an ONNX file"),
    "old torch": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "This is a pickle, such as an old PyTorch file"),
    "pickle": (b"\x80\x04\x95\x05", "This is a pickle"),
    "safetensors": ((40).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}' + bytes(99), "This is a safetensors file"),
    "gguf": (b"GGUF\x03\0\0\0", "This is a GGUF file"),
    "npy": (b"\x93NUMPY\x01\0", "This is a NumPy array"),
    "json": (b' {"format": 1}', "This is a JSON file"),
    "gzip": (b"\x1f\x8b\x08", "This is a gzip file"),
    "text": (b"hello", "neither a .keras nor an .h5 file"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds_of_files_are_called_by_their_name(craft: Craft, name: str) -> None:
    content, sentence = OTHERS[name]
    if content.startswith(b"zip:"):
        content = craft.archive({content[4:].decode(): b"x"})
    assert sentence in answer(content)[0]["error"]


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        ("saved_model.pb", "TensorFlow SavedModel"),
        ("_CHECKPOINT_METADATA", "Orbax checkpoint"),
        ("x", "is a folder, not"),
    ],
)
def test_folders_are_called_by_what_is_in_them(tmp_path: Path, member: str, sentence: str) -> None:
    folder = tmp_path / "model.keras"
    folder.mkdir()
    (folder / member).write_bytes(b"")
    with pytest.raises(UserError, match=sentence):
        read_model(folder)


def test_the_content_counts_and_not_the_suffix(tmp_path: Path, craft: Craft) -> None:
    for name, content in (("h5.keras", craft.h5()), ("zip.h5", craft.keras()), ("CAPITAL.KERAS", craft.keras())):
        (tmp_path / name).write_bytes(content)
        contents = read_model(tmp_path / name)
        np.testing.assert_array_equal(contents.arrays["dense_1"][0], craft.KERNEL)


def functional(inbound: list[Any], inputs: list[Any]) -> Case:
    def make(craft: Craft) -> bytes:
        plain = craft.network() | {"class_name": "Functional"}
        plain["config"] |= {"input_layers": inputs, "output_layers": [["dense_1", 0, 0]]}
        plain["config"]["layers"][1]["inbound_nodes"] = inbound
        return craft.keras(config=plain)

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (functional([["a", 0, 0], ["b", 0, 0]], [["a", 0, 0], ["b", 0, 0]]), 'The model has 2 inputs: "a", "b".'),
        (functional([["a", 0, 0]], [["a", 0, 0]]), 'The model branches: layer "input_layer" does not lead'),
        (functional([[["a", 0, 0, {}]], [["a", 0, 0, {}]]], [["a", 0, 0]]), 'uses the layer "dense_1" 2 times.'),
        (functional([], []), 'The model branches: layer "input_layer" does not lead to the output alone.'),
    ],
)
def test_networks_that_are_no_stack_are_refused_politely(craft: Craft, make: Case, reason: str) -> None:
    assert reason in answer(make(craft))[0]["error"]
