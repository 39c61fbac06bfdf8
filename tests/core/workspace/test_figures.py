"""Which weights a run's figures are of, as its metrics, its experiment and its changes say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.runs import comparison_runs, read_run, trained_run_of

PLAIN = Experiment()
RESTORING = Experiment(training=Training(early_stopping=EarlyStopping()))
STOPPED_WITHIN = "last weights, 7 steps into epoch 10"
KEEPING = Experiment(training=Training(early_stopping=EarlyStopping(restore_best=False)))


@pytest.mark.parametrize(
    ("metrics", "experiment", "words"),
    [
        ({"epochs": 9, "best_epoch": 7}, PLAIN, "last weights, of epoch 9"),
        ({"epochs": 9, "best_epoch": 7}, RESTORING, "best weights, of epoch 7"),
        ({"epochs": 9, "best_epoch": 7}, KEEPING, "last weights, of epoch 9"),
        ({"epochs": 9, "best_epoch": 9}, PLAIN, "best weights, of epoch 9"),
        ({"epochs": 9, "best_epoch": 7, "weights_epoch": 9}, RESTORING, "last weights, of epoch 9"),
        ({"epochs": 9, "best_epoch": 9, "weights_epoch": 9, "weights_steps": 7}, PLAIN, STOPPED_WITHIN),
        ({"epochs": 0, "weights_epoch": 0, "weights_steps": 1}, PLAIN, "last weights, 1 step into epoch 1"),
        ({"epochs": 9, "best_epoch": 7, "weights_epoch": 7, "weights_steps": 0}, RESTORING, "best weights, of epoch 7"),
        ({}, PLAIN, "weights of the end"),
        ({"epochs": "9", "best_epoch": True}, PLAIN, "weights of the end"),
    ],
)
def test_the_weights_are_named(metrics: dict[str, Any], experiment: Experiment, words: str) -> None:
    assert measured(metrics, experiment).weights == words


def test_figures_of_before_a_shared_training_are_older_than_the_weights() -> None:
    metrics = {"epochs": 3, "best_epoch": 3, "changed_by": [{"by": "0003 B"}, {"by": "0003 B"}, {"by": "0004 C"}, 7]}
    found = measured(metrics, PLAIN)
    assert found.outdated
    assert found.sentence == (
        "Measured with the best weights, of epoch 3, before 0003 B and 0004 C changed shared layers."
    )
    assert not measured({"epochs": 3}, PLAIN).outdated


def test_the_trainings_of_comparisons_are_runs_too(tmp_path: Path) -> None:
    for name in ("B/seed 1 scratch", "B/seed 1 transfer", "C/seed 1 source"):
        folder = tmp_path / "comparisons" / name
        folder.mkdir(parents=True)
        codec.save(PLAIN, folder / "experiment.json")
    (tmp_path / "comparisons" / "B" / "not yet").mkdir()
    assert [str(path.relative_to(tmp_path / "comparisons")) for path in comparison_runs(tmp_path)] == [
        "B/seed 1 scratch",
        "B/seed 1 transfer",
        "C/seed 1 source",
    ]
    record = read_run(comparison_runs(tmp_path)[0])
    assert (record.number, record.measured, record.rate_by_hand) == (0, None, False)


def test_the_run_that_trained_an_experiment_is_found_by_all_but_its_name(tmp_path: Path) -> None:
    for number, (experiment, reason) in enumerate(
        [
            (PLAIN, "finished"),
            (PLAIN.replaced(name="Mine"), "early_stopping"),
            (PLAIN, "stopped"),
            (KEEPING, "finished"),
        ]
    ):
        folder = tmp_path / "runs" / f"000{number} a"
        folder.mkdir(parents=True)
        codec.save(experiment, folder / "experiment.json")
        (folder / "metrics.json").write_text(f'{{"reason": "{reason}"}}')
        (folder / "model.keras").write_bytes(b"weights")
    assert trained_run_of(PLAIN, tmp_path) == tmp_path / "runs" / "0001 a"
    assert trained_run_of(PLAIN.replaced(seed=1), tmp_path) is None
    assert trained_run_of(KEEPING, tmp_path) == tmp_path / "runs" / "0003 a"
