"""Transcribes a model file's bytes into layers and arrays. Runs in the child for untrusted files, and to verify our
own.

Nothing here imports Keras or TensorFlow, opens another file, or calls anything by a name from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import AnyLayer, Conv1D, Conv2D, DropoutLayer, Shape
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.core.text import byte_size, listed
from dnnstudio.engine.model_files.architecture import checked_shapes, read_architecture
from dnnstudio.engine.model_files.archive import CONFIG, METADATA, WEIGHTS, read_members
from dnnstudio.engine.model_files.contents import MAX_FILE, Array, shown
from dnnstudio.engine.model_files.hdf5 import Store, open_store
from dnnstudio.engine.model_files.layout import Place, locate, places_of, read_arrays, shape_of
from dnnstudio.engine.model_files.older.hard_sigmoid import has_hard_sigmoid, keep_old_slope, scale_for_old_slope
from dnnstudio.engine.model_files.older.keras_1 import see_series_kernels
from dnnstudio.engine.model_files.record import KEY, SEAL_ATTRIBUTE, Record, record_from_plain, record_from_text
from dnnstudio.engine.model_files.seal import check_seal, hash_arrays
from dnnstudio.engine.model_files.sniff import sniff
from dnnstudio.engine.model_files.strict_json import parse_json

MAX_NAME = 64
"""Characters of a name in a file that are shown."""
LARGE = 1e6
"""A larger weight is reported: it may be a sign of data corruption in a file without checksum."""
_READABLE, _READABLE_H5 = ("2", "3"), ("1", "2", "3")
"""Major versions of Keras whose files are understood, a `.keras` and an `.h5` file."""


@dataclass(slots=True)
class Transcript:
    """The data of `ModelContents`; `record` is the program's metadata, if it wrote the file."""

    layers: list[AnyLayer]
    input_shape: Shape
    arrays: dict[str, list[Array]]
    record: Record | None = None
    not_finite: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Match:
    """A layer of a file, the shapes of its arrays, and the id of the layer that they belong to, "" for none."""

    name: str
    shapes: list[Shape]
    layer: str


def transcribe_model(content: bytes) -> Transcript:
    """The network in a `.keras` or `.h5` file. Raises `UserError`."""
    kind, sealed = _sniffed(content)
    if kind == "zip":
        members = read_members(content)
        metadata = parse_json(members.get(METADATA, b"{}"), what=METADATA)
        record = record_from_plain(metadata[KEY]) if KEY in metadata else None
        config = parse_json(members[CONFIG], what="The network's description")
        version = metadata.get("keras_version")
        store = open_store(members[WEIGHTS])
        del members
    else:
        store = open_store(content)
        record = _record_in(store)
        text = store.text("model_config")
        if text is None:
            raise UserError(
                "The file holds weights only, no network.",
                "Open a network of its layers, then load it into them as weights.",
            )
        config = parse_json(text.encode("utf-8", "replace"), what="The network's description")
        version = store.text("keras_version")
    _check_version(version, _READABLE if kind == "zip" else _READABLE_H5)
    if record is not None and not sealed:
        raise _not_as_written()
    version = str(version or "")
    architecture = read_architecture(config, of_keras_1=version.startswith("1."))
    rows = checked_shapes(architecture.layers, architecture.input_shape)
    see = see_series_kernels if version.startswith("1.") else None
    arrays = read_arrays(store, rows, architecture.places, see=see)
    if kind != "zip" and store.text("backend") == "theano":
        architecture.notes += _turned(architecture.layers, arrays)
    if version.startswith(("1.", "2.")):
        architecture.notes += keep_old_slope(architecture.layers, rows, arrays)
    _mark_monte_carlo(architecture.layers, record)
    transcript = Transcript(architecture.layers, architecture.input_shape, arrays, record, notes=architecture.notes)
    return _judged(transcript, store)


def transcribe_weights(content: bytes, layers: Sequence[AnyLayer], input_shape: Shape) -> Transcript:
    """The arrays for `layers` from any of the three kinds of file. Raises `UserError`, `WeightsMismatchError`."""
    file = _weights_file(content)
    inside, rows, places = _inside(layers, input_shape)
    see = see_series_kernels if file.version.startswith("1.") else None
    arrays = read_arrays(file.store, rows, places, see=see)
    notes = _as_written(file, inside, rows, arrays)
    return _judged(Transcript(inside, input_shape, arrays, file.record, notes=notes), file.store)


def match_weights(content: bytes, layers: Sequence[AnyLayer], input_shape: Shape) -> list[Match]:
    """Which arrays of the file belong to which of `layers`, whether they fit or not. Raises `UserError`."""
    file = _weights_file(content)
    store = file.store
    _, rows, places = _inside(layers, input_shape)
    located = locate(store, rows, places)
    if file.version.startswith("1."):
        see_series_kernels(store, rows, located.paths)
    found = [
        Match(_with_own_name(store, name, paths), [shape_of(store, path) for path in paths if path], row.layer.id)
        for row, name, paths in zip(rows, located.names, located.paths, strict=True)
        if row.variables or paths
    ]
    left = [Match(_with_own_name(store, *one), [shape_of(store, path) for path in one[1]], "") for one in located.left]
    return found + left


def _with_own_name(store: Store, name: str, paths: Sequence[str]) -> str:
    """ "dense_1 (output)" where Keras 3 noted the layer's own name beside its arrays."""
    folder = next((path.rpartition("/")[0] for path in paths if path in store.entries), "")
    own = store.text("name", folder) if folder in store.groups else None
    return f"{name} ({own[:MAX_NAME]})" if own and own != name else name


@dataclass(frozen=True, slots=True)
class _WeightsFile:
    """The arrays of a file, the program's metadata in it, and the version of Keras that wrote it ("" if unknown)."""

    store: Store
    record: Record | None
    version: str


def _weights_file(content: bytes) -> _WeightsFile:
    kind, sealed = _sniffed(content)
    if kind == "zip":
        members = read_members(content)
        metadata = parse_json(members.get(METADATA, b"{}"), what=METADATA)
        record = record_from_plain(metadata[KEY]) if KEY in metadata else None
        file = _WeightsFile(open_store(members[WEIGHTS]), record, str(metadata.get("keras_version") or ""))
    else:
        store = open_store(content)
        group = "model_weights" if "model_weights" in store.groups else ""
        version = store.text("keras_version") or store.text("keras_version", group) or ""
        if not version and "vars" in store.groups and store.text("name", "vars") is not None:
            version = "3"  # tf-keras has the same layout, but writes no names
        file = _WeightsFile(store, _record_in(store), version)
    if file.record is not None and not sealed:
        raise _not_as_written()
    return file


def _inside(
    layers: Sequence[AnyLayer], input_shape: Shape
) -> tuple[list[AnyLayer], tuple[LayerShape, ...], list[Place]]:
    """The layers that compute, their shapes, and their places in a file of a plain stack."""
    inside: list[AnyLayer] = [layer for layer in layers if layer.enabled and layer.kind != "input"]
    return inside, checked_shapes(inside, input_shape), places_of([layer.saved_class() for layer in inside])


def _as_written(
    file: _WeightsFile, layers: Sequence[AnyLayer], rows: Sequence[LayerShape], arrays: dict[str, list[Array]]
) -> list[str]:
    """Change the arrays so that the layers compute what they did in the version of Keras that wrote them."""
    notes = _turned(layers, arrays) if file.store.text("backend") == "theano" else []
    if file.version.startswith(("1.", "2.")):
        return notes + scale_for_old_slope(rows, arrays)
    if not file.version and file.record is None and any(has_hard_sigmoid(layer) for layer in layers):
        notes.append("The file does not say which Keras wrote it; its hard sigmoid is computed as Keras 3 does.")
    return notes


def _sniffed(content: bytes) -> tuple[str, bool]:
    """The kind of the file, and whether it has a seal. Raises `UserError` if the seal is broken."""
    if len(content) > MAX_FILE:
        raise UserError(f"The file is larger than {byte_size(MAX_FILE)}.", "Is it a model file?")
    kind = sniff(content)
    whole = check_seal(content)
    if whole is False:
        raise _not_as_written()
    return kind, whole is not None


def _not_as_written() -> UserError:
    return UserError(
        "The file is damaged: it is no longer as dnnstudio wrote it.",
        "Use a copy, or the version before it, whose name ends in ~.",
    )


def _record_in(store: Store) -> Record | None:
    text = store.text(KEY)
    if text is None:
        if store.text(SEAL_ATTRIBUTE) is not None:
            raise _not_as_written()
        return None
    return record_from_text(text)


def _check_version(version: Any, readable: Sequence[str]) -> None:
    if version is not None and str(version).split(".")[0] not in readable:
        raise UserError(
            f"The file was written by Keras {shown(str(version))}; versions {listed(readable)} can be opened.",
            "Save it again with one of them.",
        )


_TURNED = (Conv1D, Conv2D)


def _turned(layers: Sequence[AnyLayer], arrays: dict[str, list[Array]]) -> list[str]:
    """Turn the kernels of convolutions by 180°, as Keras 2 did: Theano convolved where TensorFlow correlates."""
    turned = {layer.id: (0, 1) if isinstance(layer, Conv2D) else 0 for layer in layers if isinstance(layer, _TURNED)}
    names = list(turned)
    for name, axes in turned.items():
        arrays[name][0] = np.ascontiguousarray(np.flip(arrays[name][0], axes))
    text = "The file was written with Theano: the kernels of {} are turned by 180°, as Keras 2 did."
    return [text.format(", ".join(names))] if names else []


def _mark_monte_carlo(layers: list[AnyLayer], record: Record | None) -> None:
    names = set(record.monte_carlo) if record is not None else set()
    for index, layer in enumerate(layers):
        if layer.id in names and isinstance(layer, DropoutLayer):
            layers[index] = layer.replaced(monte_carlo=True)


def _judged(transcript: Transcript, store: Store) -> Transcript:
    """The transcript with notes on its weights. Raises `UserError` if the checksum differs."""
    record = transcript.record
    if record is not None and record.weights != hash_arrays(a for arrays in transcript.arrays.values() for a in arrays):
        raise _not_as_written()
    for name in sorted(store.converted):
        transcript.notes.append(f"Numbers stored as {name} are used as float32.")
    large = []
    for identifier, arrays in transcript.arrays.items():
        finite = all(bool(np.isfinite(array).all()) for array in arrays)
        if not finite:
            transcript.not_finite.append(identifier)
        elif any(array.size and float(np.abs(array).max()) > LARGE for array in arrays):
            large.append(identifier)
    if transcript.not_finite:
        transcript.notes.append(f"NaN or infinity stands in the weights of {', '.join(transcript.not_finite)}.")
    if large:
        transcript.notes.append(f"Weights beyond a million stand in {', '.join(large)}: the file may be damaged.")
    return transcript
