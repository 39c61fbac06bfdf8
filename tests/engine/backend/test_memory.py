"""What networks need is counted from their layers, before it is taken."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import from_plain
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.backend import memory
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.memory import need_memory, row_bytes, rows_at_once, step_bytes
from dnnstudio.engine.reuse.ensemble import forward_of, outputs_of
from dnnstudio.engine.sampling.mc_dropout import Sampler


def growing(times: int, **more: object) -> Experiment:
    """8 × 8 pictures made so many times as wide and high, and looked at as a whole: 20 weights, large activations."""
    layers = [
        {"kind": "reshape", "id": "r", "target_shape": [8, 8, 1]},
        {"kind": "up_sampling2d", "id": "u", "size": [times, times]},
        {"kind": "dropout", "id": "d", "rate": 0.5},
        {"kind": "global_average_pooling2d", "id": "g"},
        {"kind": "dense", "id": "o", "units": 10, "activation": "softmax"},
    ]
    return from_plain({"layers": layers, **more})


def test_a_row_needs_its_largest_layer_and_a_step_all_of_them() -> None:
    model = build(growing(4), (8, 8))
    pixels = 32 * 32
    assert row_bytes(model) == 4 * (pixels + 2 * pixels)
    weights = 10 + 10
    assert step_bytes(model, 5, slots=2) == 4 * (5 * (64 + 2 * pixels + 1 + 10 + 2 * pixels) + weights * 3)


def test_rows_go_through_large_layers_in_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(growing(4), (8, 8))
    assert rows_at_once(model, 1_000) == 1_000
    x = np.random.default_rng(1).random((23, 8, 8)).astype(np.float32)
    whole = forward_of(model)(x)
    monkeypatch.setattr(memory, "BLOCK_BYTES", 7 * row_bytes(model))
    assert rows_at_once(model, 1_000) == 7
    np.testing.assert_allclose(outputs_of(model, x), whole, rtol=1e-5)
    sampler = Sampler(model)
    np.testing.assert_allclose(sampler.deterministic(x), whole, rtol=1e-5)
    (one,) = sampler.passes(x, 3, 1, seed=1)
    *_, again = sampler.passes(x, 0, 4, seed=1)
    assert one.shape == (23, 10)
    assert np.array_equal(one, again)
    assert not np.allclose(one[:7], one[7:14])


def test_what_does_not_fit_is_refused_with_its_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000))
    need_memory(8_000, what="It")
    with pytest.raises(UserError, match=r"It would need 8.0 kB of memory; 10.0 kB are free."):
        need_memory(8_001, what="It")
    model = build(growing(1), (8, 8))
    assert rows_at_once(model, 100) == 100
    with pytest.raises(UserError, match="The network would need"):
        build(
            from_plain({"layers": [{"kind": "flatten", "id": "f"}, {"kind": "dense", "id": "o", "units": 50}]}), (8, 8)
        )
    with pytest.raises(UserError, match="One row on its way through the network would need"):
        rows_at_once(build(growing(4), (8, 8)), 100)


def test_a_small_packed_file_may_not_unpack_to_a_mountain_and_a_large_one_may() -> None:
    need_memory(100 * 2**20, what="It", packed=1_000)
    with pytest.raises(UserError, match=r"It is packed into 1.0 kB, and would need 262.1 MB of memory"):
        need_memory(250 * 2**20, what="It", packed=1_000)
    need_memory(250 * 2**20, what="It", packed=2 * 2**20)
