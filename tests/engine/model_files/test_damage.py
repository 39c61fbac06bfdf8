"""Bit rot and truncation: in files this program wrote every changed bit is noticed; nothing is ever half read."""

from __future__ import annotations

import io
import random
from typing import Any

import h5py
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.model_files.child import answer
from dnnstudio.engine.model_files.reading import read_model
from dnnstudio.engine.model_files.seal import WORD, blank_seal, check_seal, close_seal
from dnnstudio.engine.model_files.writing import model_bytes

Craft = Any  # conftest's; test modules cannot import it
Model = Any
FORMATS = (".keras", ".h5", ".weights.h5")
REQUEST = {".weights.h5": '{"layers": [{"kind": "dense", "id": "d", "units": 3}], "input_shape": [4]}'}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """One small network in the three formats, with an experiment inside."""
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")])
    experiment = Experiment(layers=(Dense(id="d", units=3),))
    return {suffix: model_bytes(model, suffix, experiment=experiment, input_shape=(4,)) for suffix in FORMATS}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_flipped_bit_is_noticed(files: dict[str, bytes], suffix: str) -> None:
    content, request = files[suffix], REQUEST.get(suffix, "")
    assert "layers" in answer(content, request)[0]
    chance = random.Random(suffix)
    missed = []
    for bit in chance.sample(range(8 * len(content)), 400):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        header, arrays = answer(bytes(damaged), request)
        if "error" not in header or arrays or "bug" in header:
            missed.append(bit)
    assert missed == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_bit_of_the_seal_itself_counts(files: dict[str, bytes], suffix: str) -> None:
    content, request = files[suffix], REQUEST.get(suffix, "")
    start = content.index(WORD.encode())
    for bit in range(8 * start, 8 * (start + len(WORD) + 64)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        assert "error" in answer(bytes(damaged), request)[0], bit - 8 * start


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_cut_short_anywhere_is_refused(files: dict[str, bytes], suffix: str) -> None:
    content = files[suffix]
    for percent in range(100):
        header, arrays = answer(content[: len(content) * percent // 100], REQUEST.get(suffix, ""))
        assert "error" in header
        assert "bug" not in header
        assert arrays == []


@pytest.mark.parametrize("form", ["keras", "h5"])
@pytest.mark.parametrize("percent", [1, 30, 60, 90, 99])
def test_a_foreign_file_cut_short_is_refused(craft: Craft, tmp_path: Any, form: str, percent: int) -> None:
    content = getattr(craft, form)()
    path = tmp_path / "cut.keras"
    path.write_bytes(content[: len(content) * percent // 100])
    with pytest.raises(UserError, match=r"cut\.keras: "):
        read_model(path)


def test_a_file_with_the_mark_but_without_its_seal_is_refused(files: dict[str, bytes]) -> None:
    buffer = io.BytesIO(files[".h5"])
    with h5py.File(buffer, "a") as file:
        del file.attrs["dnnstudio_seal"]
    content = buffer.getvalue().replace(WORD.encode(), b"x" * len(WORD))
    assert check_seal(content) is None
    assert "no longer as dnnstudio wrote it" in answer(content)[0]["error"]


def test_a_name_that_holds_the_seals_word_does_no_harm(craft: Craft) -> None:
    import keras

    name = WORD + "0" * 64
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")])
    experiment = Experiment(name=name, layers=(Dense(id="d", units=3),))
    for suffix in (".keras", ".h5"):
        content = model_bytes(model, suffix, experiment=experiment, input_shape=(4,))
        assert content.count(WORD.encode()) == 2
        assert answer(content)[0]["record"]["experiment"]["name"] == name


def test_a_seal_covers_what_is_before_and_behind_it() -> None:
    blank = blank_seal("once")
    sealed = close_seal(b"before " + blank.encode() + b" behind", blank)
    assert check_seal(sealed) is True
    assert check_seal(sealed.replace(b"before", b"Before")) is False
    assert check_seal(sealed.replace(b"behind", b"Behind")) is False
    assert check_seal(sealed + b"x") is False
    assert check_seal(b"no seal here") is None
    with pytest.raises(AssertionError, match="exactly once"):
        close_seal(b"twice " + 2 * blank.encode(), blank)


def test_a_foreign_file_with_wild_weights_opens_with_a_word(craft: Craft) -> None:
    wild = np.array(craft.KERNEL)
    wild[1, 1] = 1e20
    header, _ = answer(craft.keras(weights=craft.weights(dense=(wild, craft.BIAS))))
    assert header["notes"] == ["Weights beyond a million stand in dense_1: the file may be damaged."]
    assert header["not_finite"] == []


@pytest.mark.parametrize("dtype", ["f2", "f8", ">f4"])
def test_other_floating_point_numbers_are_converted(craft: Craft, dtype: str) -> None:
    weights = craft.weights(dense=(craft.KERNEL.astype(dtype), craft.BIAS.astype(dtype)))
    header, arrays = answer(craft.keras(weights=weights))
    assert b"".join(arrays) == craft.KERNEL.tobytes() + craft.BIAS.tobytes()
    assert len(header["notes"]) == (0 if dtype == ">f4" else 1)
