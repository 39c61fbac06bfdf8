"""What the window of a sweep keeps while it is closed."""

from __future__ import annotations

from .test_sweeps import Bench, bench

__all__ = ["bench"]  # a fixture


def test_what_was_chosen_for_a_new_sweep_survives_escape(bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.001, 0.01")
    bench.sweeps.vary("training.epochs")
    before = bench.window.wish.vary
    assert len(before) == 2
    bench.window.reject()
    assert bench.sweeps.window is None
    bench.sweeps.open()
    assert bench.window.wish.vary == before
    bench.sweeps.begin_fresh()
    bench.window.reject()
    bench.sweeps.open()
    assert bench.window.wish.vary == ()
