"""P1, P4, P5 and P6 for model files and the other sealed or packed ones: hostile files, flipped bits, cuts."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.workspace.answers import read_answers
from dnnstudio.engine.exporting.bundle import read_bundle
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.model_files.child import answer
from dnnstudio.engine.training.checkpoint import load_checkpoint
from dnnstudio.gui.base.document import Document
from tests.core.workspace.test_fuzzed_readers import mutated

pytestmark = [pytest.mark.timeout(1800)]

REQUEST = (
    '{"layers": [{"kind": "dense", "id": "a", "units": 300}, {"kind": "dense", "id": "b", "units": 10}],'
    ' "input_shape": [784]}'
)
FLIPS = 1000
Saved = dict[str, tuple[bytes, bytes]]


def request_for(suffix: str) -> str:
    return REQUEST if suffix == ".weights.h5" else ""


def hostile_contents(craft: Any, hostile: ModuleType) -> list[bytes]:
    contents = [make(craft) for make, _ in (*hostile.CODE.values(), *hostile.ARRAYS.values())]
    for point, _ in hostile.POINTERS.values():
        for depth in hostile.DEPTHS:

            def spoil(file: Any, point: Any = point, depth: str = depth) -> None:
                point(file.require_group(depth) if depth else file, "2")

            inner = craft.weights(spoil)
            contents += [craft.h5(spoil=spoil), inner, craft.keras(weights=inner)]
    return contents


@pytest.mark.promise(1)
def test_p1_no_hostile_file_runs_anything(
    craft: Any, hostile: ModuleType, tripwire: Any, tmp_path: Path, figure: Any
) -> None:
    contents, slowest, refused, hits = hostile_contents(craft, hostile), 0.0, 0, 0
    for number, content in enumerate(contents):
        hits += "error" not in tripwire.answer(content) or len(tripwire.events)
        path = tmp_path / f"{number}.keras"
        path.write_bytes(content)
        start = time.monotonic()
        try:
            read_model(path)
        except UserError:
            refused += 1
        slowest = max(slowest, time.monotonic() - start)
    figure(1, "hostile files", len(contents), at_least=60)
    figure(1, "hostile files refused", refused, of=len(contents))
    figure(1, "tripwires hit", hits, at_most=0)
    figure(1, "slowest refusal", slowest, unit="s")
    assert len(contents) >= 60
    assert refused == len(contents)
    assert hits == 0
    assert not ({"torch", "jax", "pickle5"} & set(sys.modules))


# -------------------------------------------------------------------------------------------- flipped bits


def _notices_model(suffix: str) -> Callable[[bytes, Path], bool]:
    def notices(content: bytes, folder: Path) -> bool:
        header, arrays = answer(content, request_for(suffix))
        return "error" in header and "bug" not in header and not arrays

    return notices


def _notices_checkpoint(content: bytes, folder: Path) -> bool:
    (folder / "checkpoint").mkdir(exist_ok=True)
    (folder / "checkpoint" / "state.npz").write_bytes(content)
    try:
        load_checkpoint(folder)
    except UserError:
        return True
    return _same_arrays(folder / "checkpoint" / "state.npz")


def _notices_bundle(content: bytes, folder: Path) -> bool:
    (folder / "a.dnnstudio").write_bytes(content)
    try:
        read_bundle(folder / "a.dnnstudio")
    except UserError:
        return True
    return False


def _notices_answers(content: bytes, folder: Path) -> bool:
    (folder / "answers.npz").write_bytes(content)
    try:
        read_answers(folder)
    except UserError:
        return True
    return _same_arrays(folder / "answers.npz")


WHOLE: dict[str, dict[str, np.ndarray]] = {}


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _same_arrays(path: Path) -> bool:
    """Whether the file, by numpy, still holds what was written: the bit was one that nothing is made of."""
    whole, found = WHOLE[path.name], _arrays(path)
    return whole.keys() == found.keys() and all(whole[name].tobytes() == found[name].tobytes() for name in whole)


NOTICES: dict[str, Callable[[bytes, Path], bool]] = {
    ".keras": _notices_model(".keras"),
    ".h5": _notices_model(".h5"),
    ".weights.h5": _notices_model(".weights.h5"),
    "state.npz": _notices_checkpoint,
    ".dnnstudio": _notices_bundle,
    "answers.npz": _notices_answers,
}


@pytest.mark.promise(4)
@pytest.mark.parametrize("suffix", NOTICES)
def test_p4_every_flipped_bit_is_noticed(saved: Saved, suffix: str, tmp_path: Path, figure: Any) -> None:
    content, notices = saved[suffix][0], NOTICES[suffix]
    if suffix.endswith(".npz"):
        (tmp_path / suffix).write_bytes(content)
        WHOLE[suffix] = _arrays(tmp_path / suffix)
    else:
        assert not notices(content, tmp_path)
    noticed = 0
    for bit in random.Random(suffix).sample(range(8 * len(content)), FLIPS):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        noticed += notices(bytes(damaged), tmp_path)
    figure(4, "flipped bits noticed, or without any effect", noticed, of=FLIPS)
    figure(4, "kinds of file", 1, of=1)
    assert noticed == FLIPS


@pytest.mark.promise(5)
@pytest.mark.parametrize("form", ["keras", "h5", "weights"])
def test_p5_a_foreign_file_cut_short_is_never_half_read(craft: Any, form: str, figure: Any) -> None:
    content = getattr(craft, form)()
    request = (
        '{"layers": [{"kind": "dense", "id": "dense", "units": 3}], "input_shape": [4]}' if form == "weights" else ""
    )
    assert "layers" in answer(content, request)[0]
    refused = 0
    for percent in range(100):
        header, arrays = answer(content[: len(content) * percent // 100], request)
        refused += "error" in header and "bug" not in header and not arrays
    figure(5, "files cut short refused", refused, of=100)
    assert refused == 100


# ------------------------------------------------------------------------------------------- failed opens


@pytest.mark.promise(6)
def test_p6_a_failed_open_changes_neither_network_nor_document(
    craft: Any, hostile: ModuleType, saved: Saved, qapp: object, tmp_path: Path, figure: Any
) -> None:
    import keras

    from dnnstudio.engine.model_files.writing import put_weights

    def edited() -> Document:
        document = Document(load_recipe("digits").experiment)
        document.push(document.experiment.replaced(name="edited"), "Rename")
        return document

    keras.utils.set_random_seed(3)
    layers = [
        keras.layers.Dense(5, name="a"),
        keras.layers.BatchNormalization(name="n"),
        keras.layers.Dense(3, name="b"),
    ]
    model = keras.Sequential([keras.Input((4,)), *layers])
    before = [variable.numpy().tobytes() for variable in model.variables]
    documents, path, tried, same = [edited()], tmp_path / "x.json", 0, 0
    whole, chance = codec.to_json(documents[0].experiment).encode(), random.Random(6)
    shown = documents[0].experiment

    def unchanged() -> bool:
        document = documents[-1]
        weights = [variable.numpy().tobytes() for variable in model.variables] == before
        return weights and (document.experiment, document.undo_stack.count(), document.path) == (shown, 1, None)

    for _ in range(1000):
        path.write_bytes(mutated(whole, chance))
        try:
            documents[-1].open(path)
        except UserError:
            tried += 1
            same += unchanged()
        else:  # it was an experiment all the same
            documents.append(edited())
    fitting: dict[str, list[np.ndarray]] = {
        "a": [np.ones((4, 5)), np.ones(5)],
        "n": [np.ones(5)] * 4,
        "b": [np.ones((5, 3)), np.ones(3)],
    }
    for name in fitting:
        for place in range(len(fitting[name])):
            for bad in (np.ones((2, 2)), np.full(np.shape(fitting[name][place]), np.nan), None):
                arrays = {key: list(values) for key, values in fitting.items()}
                if bad is None:
                    del arrays[name][place]
                else:
                    arrays[name][place] = bad
                tried += 1
                with pytest.raises(UserError):
                    put_weights(model, arrays)
                same += unchanged()
    for content in hostile_contents(craft, hostile)[:40]:
        path.with_suffix(".keras").write_bytes(content)
        tried += 1
        with pytest.raises(UserError):
            read_model(path.with_suffix(".keras"))
        same += unchanged()
    figure(6, "failed opens and imports changed nothing", same, of=tried)
    assert same == tried
    assert tried > 500
