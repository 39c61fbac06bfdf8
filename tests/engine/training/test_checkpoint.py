"""A checkpoint that somebody else made is refused in one sentence, and never costs more than it is long."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.training.checkpoint import Checkpoint, Position, load_checkpoint, save_checkpoint
from dnnstudio.engine.training.monitoring.epoch_rules import Best

POSITION = Position(epoch=2, stage_epoch=2, history=[{"epoch": 1, "loss": float("nan")}], best=Best("loss", 1, 0.5))


def saved(folder: Path) -> Path:
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3)]
    save_checkpoint(folder, Checkpoint(POSITION, arrays, [np.array(3, np.int64)], [], Experiment(), "print"))
    return folder / "checkpoint" / "state.npz"


def about_of(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        plain: dict[str, Any] = json.loads(archive["about"].tobytes())
        return plain


def spoil(path: Path, about: str, **arrays: Any) -> None:
    content = io.BytesIO()
    np.savez(content, about=np.frombuffer(about.encode(), np.uint8), **{"network_0": np.zeros(2)} | arrays)
    path.write_bytes(content.getvalue())


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    saved(tmp_path)
    found = load_checkpoint(tmp_path)
    assert (found.position.epoch, found.position.best) == (2, Best("loss", 1, 0.5))
    assert np.isnan(found.position.history[0]["loss"])
    assert (found.fingerprint, found.experiment, found.best) == ("print", Experiment(), [])
    np.testing.assert_array_equal(found.network[0], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert found.optimizer[0].dtype == np.int64


def test_packed_arrays_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = saved(tmp_path)
    content = io.BytesIO()
    np.savez_compressed(content, network_0=np.zeros(2**29, np.uint8))
    path.write_bytes(content.getvalue())
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="is damaged"):
            load_checkpoint(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**24  # it took all the half gigabyte
    finally:
        tracemalloc.stop()


def test_a_broken_stream_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    content = io.BytesIO()
    np.savez_compressed(content, about=np.arange(5000, dtype=np.uint16))
    spoilt = bytearray(content.getvalue())
    spoilt[100:200] = b"\xff" * 100
    path.write_bytes(spoilt)
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "about",
    ["", "[]", "{", "[" * 100_000, '{"a":' * 2000 + "1" + "}" * 2000, '{"format": ' + "9" * 400 + "}", '{"format": 1}'],
    ids=range(7),
)
def test_a_description_of_any_kind_is_one_sentence(tmp_path: Path, about: str) -> None:
    spoil(saved(tmp_path), about)
    with pytest.raises(UserError, match="is damaged") as caught:
        load_checkpoint(tmp_path)
    assert len(str(caught.value)) <= 400


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update(epoch="2"),
        lambda plain: plain.update(epoch=-1),
        lambda plain: plain.update(epoch=2.5),
        lambda plain: plain.update(step=10**15),
        lambda plain: plain.update(rate_scale=float("nan")),
        lambda plain: plain.update(seconds="long"),
        lambda plain: plain.update(history=[{"epoch": "x"}]),
        lambda plain: plain.update(history=7),
        lambda plain: plain.update(more=1),
        lambda plain: plain["best"].update(epoch=None),
        lambda plain: plain.update(patience=[]),
    ],
)
def test_a_position_that_is_none_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = saved(tmp_path)
    about = about_of(path)
    change(about["position"])
    spoil(path, json.dumps(about))
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(tmp_path)
