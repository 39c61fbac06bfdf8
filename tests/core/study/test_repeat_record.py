"""A repeat as one row, and its members' histories as one."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.study.repeat import member_experiment
from dnnstudio.core.study.repeat_record import mean_rows, read_repeat, spread, spread_words
from dnnstudio.core.study.rows import read_row
from dnnstudio.core.workspace.ensembles import EnsembleRecord, member_folder, write_ensemble
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.runs import Spread

EXPERIMENT = load_recipe("digits").experiment


def store(folder: Path, accuracies: dict[int, float], *, seeds: tuple[int, ...] = (1, 2, 3)) -> Path:
    """An ensemble whose members with an accuracy are trained."""
    write_ensemble(folder, EnsembleRecord(experiment=EXPERIMENT, seeds=seeds, threads=1))
    for seed, accuracy in accuracies.items():
        place = member_folder(folder, seed)
        place.mkdir()
        codec.save(member_experiment(EXPERIMENT, seed), place / "experiment.json")
        write_history(place / "history.csv", [{"epoch": 1.0, "loss": 0.5, "val_accuracy": accuracy, "seconds": 2.0}])
        part = {"loss": 1 - accuracy, "accuracy": accuracy}
        metrics = {"reason": "finished", "validation": part, "test": part, "seconds": 2.0, "parameters": 7}
        (place / "metrics.json").write_text(json.dumps(metrics))
    return folder


def test_the_row_has_the_means_of_the_trained_members(tmp_path: Path) -> None:
    record, members = read_repeat(store(tmp_path / "0012 Digits", {1: 0.9, 3: 0.94}))
    assert (record.number, record.name, record.status) == (12, EXPERIMENT.name, "unfinished")
    assert record.repeat is not None
    assert (record.repeat.seeds, record.repeat.trained, record.repeat.complete) == ((1, 2, 3), 2, False)
    assert record.val_accuracy == statistics.mean((0.9, 0.94))
    assert record.repeat.test_accuracy == Spread(statistics.mean((0.9, 0.94)), statistics.stdev((0.9, 0.94)), 2)
    assert (record.seconds, record.parameters) == (4.0, 7)
    assert [member.val_accuracy for member in members] == [0.9, 0.94]


def test_a_complete_repeat_is_finished(tmp_path: Path) -> None:
    record = read_row(store(tmp_path / "e", {1: 0.9, 2: 0.8}, seeds=(1, 2)))
    assert record.status == "finished" and record.repeat is not None and record.repeat.complete


def test_a_damaged_member_counts_as_not_trained(tmp_path: Path) -> None:
    folder = store(tmp_path / "e", {1: 0.9, 2: 0.8}, seeds=(1, 2))
    (member_folder(folder, 2) / "metrics.json").write_text("{")
    record = read_row(folder)
    assert record.repeat is not None and record.repeat.trained == 1
    assert record.repeat.val_accuracy == Spread(0.9, None, 1)


def test_what_is_neither_run_nor_ensemble_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run"):
        read_row(tmp_path)


def test_spreads_in_words() -> None:
    nbsp = "\N{NO-BREAK SPACE}"
    assert spread_words(Spread(0.9133, 0.0021, 5)) == "0.913 ± 0.002 (n = 5)".replace(" ", nbsp)
    assert spread_words(Spread(0.9133, 0.0021, 5), share=True) == "91.3 ± 0.2 % (n = 5)".replace(" ", nbsp)
    assert spread_words(Spread(0.9133, 0.0021, 5), counted=False) == "0.913 ± 0.002".replace(" ", nbsp)
    assert spread_words(Spread(0.00123, 0.00031, 3)) == "0.0012 ± 0.0003 (n = 3)".replace(" ", nbsp)
    assert spread_words(Spread(0.9, None, 1)) == "0.900 (n = 1)".replace(" ", nbsp)
    assert spread_words(Spread(14190.633, 212.4, 3), counted=False) == "14,191 ± 212".replace(" ", nbsp)
    assert spread_words(None) == "–"
    assert spread([]) is None


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6), min_size=1, max_size=5))
def test_an_epochs_mean_is_over_the_members_that_reached_it(values: list[list[float]]) -> None:
    histories = [[{"epoch": float(n), "loss": value} for n, value in enumerate(one, start=1)] for one in values]
    means, deviations = mean_rows(histories)
    assert len(means) == len(deviations) == max(map(len, values))
    for epoch, (mean_row, deviation_row) in enumerate(zip(means, deviations, strict=True)):
        reached = [one[epoch] for one in values if len(one) > epoch]
        assert mean_row["epoch"] == deviation_row["epoch"] == epoch + 1
        assert mean_row["loss"] == pytest.approx(statistics.mean(reached), abs=1e-9)
        if len(reached) > 1:
            assert deviation_row["loss"] == pytest.approx(statistics.stdev(reached), abs=1e-6)
        else:
            assert "loss" not in deviation_row


def test_a_diverged_members_infinite_loss_is_left_out() -> None:
    means, deviations = mean_rows(([{"epoch": 1.0, "loss": float("inf")}], [{"epoch": 1.0, "loss": 0.5}]))
    assert means == [{"epoch": 1.0, "loss": 0.5}]
    assert deviations == [{"epoch": 1.0}]


def test_a_repeat_that_predicts_a_number_has_the_mean_of_r2(tmp_path: Path) -> None:
    folder = store(tmp_path / "e", {1: 0.9, 2: 0.8}, seeds=(1, 2))
    for seed, r2 in ((1, 0.7), (2, 0.9)):
        part = {"loss": 4.0, "r2_score": r2}
        metrics = {"reason": "finished", "validation": part, "test": {"loss": 4.0, "r2_score": r2 - 0.2}}
        (member_folder(folder, seed) / "metrics.json").write_text(json.dumps(metrics))
    record = read_row(folder)
    assert record.repeat is not None
    assert record.repeat.val_r2 == Spread(statistics.mean((0.7, 0.9)), statistics.stdev((0.7, 0.9)), 2)
    assert (record.val_r2, record.test_r2) == (pytest.approx(0.8), pytest.approx(0.6))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
@example([1e308, 1e308, -1e308])
@example([1.7976931348623157e308] * 3)
def test_figures_of_any_size_have_a_mean_that_lies_between_them(values: list[float]) -> None:
    means, deviations = mean_rows([{"epoch": 1.0, "loss": value}] for value in values)
    rounding = 1e-15 * max(map(abs, values)) + 1e-322
    assert min(values) - rounding <= means[0]["loss"] <= max(values) + rounding
    assert deviations[0].get("loss", 0.0) >= 0.0
