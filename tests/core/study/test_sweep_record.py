"""A sweep as one row of the tables of runs: its best trial's figures, its trials below it, its name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.folder_lock import held
from dnnstudio.core.study.list_reading import read_listed
from dnnstudio.core.study.listing import differing, grouped, with_names
from dnnstudio.core.study.query import parse_query
from dnnstudio.core.study.repeat import member_experiment, member_state
from dnnstudio.core.study.rows import member_names, read_row
from dnnstudio.core.study.sweep import read_sweep, trial_folder
from dnnstudio.core.study.sweep_record import range_text, rename_sweep
from dnnstudio.core.study.trials import Trial, write_trials
from dnnstudio.core.study.varied import Listed, Ranged, with_values
from dnnstudio.core.workspace.model_store import move_to_trash, restore
from dnnstudio.core.workspace.runs import Spread, new_run_folder, new_sweep_folder, read_run

from .sweep_kit import DIGITS, KIND, RATE, UNITS, store_sweep

TRIALS = {0: ({RATE: 0.01, UNITS: 16}, 0.91), 1: ({RATE: 0.05, UNITS: 64}, 0.96), 2: ({RATE: 0.002, UNITS: 32}, 0.9)}


@contextmanager
def trained_elsewhere(folder: Path) -> Iterator[None]:
    """Within the block somebody else has the lock of a run."""
    begun, over = threading.Event(), threading.Event()

    def train() -> None:
        with held(folder, "a training"):
            begun.set()
            over.wait()

    other = threading.Thread(target=train, daemon=True)
    other.start()
    begun.wait()
    try:
        yield
    finally:
        over.set()
        other.join()


def test_the_row_has_the_figures_of_the_best_trial_and_the_time_of_all(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "0007 Digits", TRIALS)
    record = read_row(folder)
    best = read_run(trial_folder(folder, 1))
    assert (record.folder, record.number, record.name, record.status) == (folder, 7, DIGITS.name, "finished")
    assert (record.val_accuracy, record.test_accuracy) == (best.val_accuracy, best.test_accuracy)
    assert record.seconds == 9.0
    assert record.sweep is not None and (record.sweep.trials, record.sweep.over, record.sweep.best) == (3, 3, 1)
    assert record.sweep.varied == "learning rate × dense_1 units"
    assert record.home == trial_folder(folder, 1) and record.has_network
    assert record.words == f"run 7, {DIGITS.name}, trial 1"


def test_a_sweep_that_is_not_over_is_unfinished(tmp_path: Path) -> None:
    record = read_row(store_sweep(tmp_path / "s", TRIALS, count=12, statuses={2: "stopped"}))
    assert record.status == "unfinished"
    assert record.sweep is not None and (record.sweep.over, record.sweep.complete) == (2, False)


def test_a_sweep_without_a_trial_has_no_figures_and_no_network(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", {})
    record = read_row(folder)
    assert (record.val_accuracy, record.seconds, record.status) == (None, None, "unfinished")
    assert record.home == folder and not record.has_network
    row = read_listed(folder)
    assert (row.best, row.members, row.counted) == (None, (), ())


def test_the_best_trials_folder_may_be_gone(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", TRIALS)
    (trial_folder(folder, 1) / "experiment.json").unlink()
    assert read_row(folder).val_accuracy == 0.96  # as it was written down


def test_a_damaged_sweep_is_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", TRIALS)
    (folder / "trials.json").write_text("[")
    for read in (read_row, read_listed):
        with pytest.raises(UserError, match="damaged"):
            read(folder)


def test_the_listed_row_has_the_best_trial_s_settings_and_says_the_ranges(tmp_path: Path) -> None:
    row = read_listed(store_sweep(tmp_path / "0003 Digits", TRIALS))
    assert row.name == f"{DIGITS.name}: learning rate × dense_1 units"
    assert (row.settings[RATE], row.settings[UNITS]) == (0.05, 64)
    assert dict(row.ranges) == {RATE: "0.001…0.1", UNITS: "16…64"}
    assert row.best == Spread(0.96, None, 1) and row.last is not None and row.test is not None
    assert row.last.mean == pytest.approx(0.94) and row.test.mean == pytest.approx(0.93)
    assert [one.record.folder.name for one in row.counted] == ["1"]  # the figures are over the best alone
    assert [one.name for one in row.members] == ["trial 0: 0.01, 16", "trial 1: 0.05, 64", "trial 2: 0.002, 32"]
    assert [one.best.mean for one in row.members if one.best is not None] == [0.91, 0.96, 0.9]


def test_trials_that_did_not_end_well_have_no_figures(tmp_path: Path) -> None:
    row = read_listed(store_sweep(tmp_path / "s", TRIALS, statuses={0: "pruned", 2: "failed"}))
    assert [(one.record.status, one.best is None) for one in row.members] == [
        ("pruned", True),
        ("finished", False),
        ("failed", True),
    ]


def test_a_trial_of_another_kind_has_the_options_of_that_kind(tmp_path: Path) -> None:
    trials = {0: ({KIND: "adam", UNITS: 16}, 0.9), 1: ({KIND: "sgd", UNITS: 16}, 0.8)}
    row = read_listed(store_sweep(tmp_path / "s", trials, vary=(f"{KIND}=adam,sgd", f"{UNITS}=16,32")))
    adam, sgd = (one.settings for one in row.members)
    assert "optimizer.beta_1" in adam and "optimizer.beta_1" not in sgd and "optimizer.nesterov" in sgd
    assert row.ranges[KIND] == "adam, sgd"


def test_a_layer_that_is_varied_by_its_place_has_its_column(tmp_path: Path) -> None:
    place = next(n for n, layer in enumerate(DIGITS.layers) if layer.id == "dense_1")
    path = f"layers[{place}].units"
    row = read_listed(store_sweep(tmp_path / "s", {0: ({path: 16}, 0.9)}, vary=(f"{path}=16,32",)))
    assert row.ranges == {UNITS: "16…32"} and row.members[0].settings[UNITS] == 16


def test_what_a_sweep_varies_differs_and_it_is_grouped_with_nothing(tmp_path: Path) -> None:
    first, second = (read_listed(store_sweep(tmp_path / name, TRIALS)) for name in ("a", "b"))
    assert set(differing([first])) == {RATE, UNITS}
    assert [one.record.folder.name for one in grouped([first, second])] == ["a", "b"]
    assert with_names([first, second]) == [first, second]


def test_the_search_line_finds_a_sweep_by_its_best_trial(tmp_path: Path) -> None:
    row = read_listed(store_sweep(tmp_path / "s", TRIALS))
    assert parse_query("val_accuracy > 0.95 units = 64").matches(row)
    assert not parse_query("units = 16").matches(row)


def test_ranges_in_words() -> None:
    assert range_text(Ranged(path="a", low=0.0001, high=0.1, log=True)) == "0.0001…0.1"
    assert range_text(Listed(path="a", values=(64, 8, 32))) == "8…64"
    assert range_text(Listed(path="a", values=(True, False))) == "true, false"
    assert range_text(Listed(path="a", values=({"kind": "adam"}, "sgd"))) == "adam, sgd"


def test_a_renamed_sweep_goes_on_with_the_trials_that_it_had_begun(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", TRIALS, statuses={2: "stopped"})
    rename_sweep(folder, "Better")
    plan = read_sweep(folder)
    assert plan.experiment.name == "Better"
    varied = with_values(plan.experiment, TRIALS[2][0])
    assert member_state(trial_folder(folder, 2), member_experiment(varied, varied.seed)) == "begun"
    assert codec.load(trial_folder(folder, 1) / "experiment.json").name == DIGITS.name  # it is over


def test_no_sweep_is_renamed_of_which_a_trial_is_trained_elsewhere(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", TRIALS, statuses={1: "stopped", 2: "stopped"})
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    with trained_elsewhere(trial_folder(folder, 2)), pytest.raises(UserError) as refused:
        rename_sweep(folder, "Better")
    assert refused.value.code == Code.IN_USE
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_a_sweep_comes_back_from_the_trash_to_the_sweeps(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "sweeps" / "0001 Digits", TRIALS)
    trashed = move_to_trash(tmp_path, folder)
    assert not folder.exists()
    assert restore(tmp_path, trashed) == folder
    assert read_row(folder).number == 1


def test_a_sweep_of_which_a_trial_is_trained_elsewhere_is_not_deleted(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "sweeps" / "0001 Digits", TRIALS)
    with trained_elsewhere(trial_folder(folder, 1)), pytest.raises(UserError, match="in use by a training"):
        move_to_trash(tmp_path, folder)
    trashed = move_to_trash(tmp_path, folder)
    assert not folder.exists()
    assert not list(trashed.rglob("run.lock"))


def test_runs_and_sweeps_are_numbered_together(tmp_path: Path) -> None:
    names = [make(tmp_path, "a").name for make in (new_run_folder, new_sweep_folder, new_run_folder)]
    assert names == ["0001 a", "0002 a", "0003 a"]


def test_the_members_of_a_row_have_names(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", TRIALS)
    names = member_names(folder)
    assert list(names.values()) == ["trial 0: 0.01, 16", "trial 1: 0.05, 64", "trial 2: 0.002, 32"]
    assert all(read_run(place).folder == place for place in names)
    assert member_names(trial_folder(folder, 0)) == {}


def test_trials_of_older_versions_are_read(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", TRIALS)
    text = (folder / "trials.json").read_text()
    lines = [line for line in text.splitlines() if '"last"' not in line]
    (folder / "trials.json").write_text("\n".join(lines))
    row = read_listed(folder)
    assert row.last is None and row.best is not None


def test_a_thousand_trials_are_one_row_without_a_look_into_their_folders(tmp_path: Path) -> None:
    folder = store_sweep(tmp_path / "s", {}, count=1000)
    values = {n: {RATE: 0.001 + n / 1e5, UNITS: 16} for n in range(1000)}
    figures = {"val_accuracy": 0.9, "val_loss": 0.1}
    trials = {n: Trial(number=n, status="done", values=values[n], figures=figures, seconds=1.0) for n in values}
    write_trials(folder, read_sweep(folder), trials)
    row = read_listed(folder)
    assert [one.settings[RATE] for one in row.members] == [values[n][RATE] for n in values]
    assert row.record.sweep is not None and row.record.sweep.best == 0  # of equal ones the first
