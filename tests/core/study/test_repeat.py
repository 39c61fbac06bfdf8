"""Seeds, members and their figures: by hand and by `statistics`; a folder that holds something else is refused."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.transfer import Reuse, Transfer
from dnnstudio.core.study.repeat import (
    aggregate,
    member_experiment,
    member_state,
    parse_seeds,
    plan_repeat,
    repeat_metrics,
)
from dnnstudio.core.study.repeat_comparison import compare_repeats, difference_sentence, student_t
from dnnstudio.core.workspace.ensembles import (
    EnsembleRecord,
    member_folder,
    read_ensemble,
    trained_members,
    write_ensemble,
)

DIGITS = load_recipe("digits").experiment


def run_of(accuracy: float, *, loss: float = 0.5, **more: Any) -> dict[str, Any]:
    figures = {"loss": loss, "accuracy": accuracy}
    return {"reason": "finished", "train": figures, "validation": {}, "test": figures} | more


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (42, 43, 44)),
        ("1", (42,)),
        ("1,7,9", (1, 7, 9)),
        (" 9 , 1 ", (9, 1)),
        ("7,", (7,)),
        ("0,4294967295", (0, 4294967295)),
    ],
)
def test_seeds_are_a_number_or_a_list(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text, first=42) == seeds


@pytest.mark.parametrize("text", ["", "0", "1001", "-1", "1,,2", "a", "1,1", "4294967296,", "1.5", "²", "9" * 30])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--seeds"):
        parse_seeds(text, first=42)


def test_the_last_seed_has_none_after_it() -> None:
    with pytest.raises(UserError, match="--seeds"):
        parse_seeds("2", first=2**32 - 1)


def test_figures_are_those_of_statistics() -> None:
    values = [0.9133333, 0.91, 0.9266667, 1 / 3]
    found = aggregate({seed: run_of(value) for seed, value in enumerate(values)})
    assert found["test"]["accuracy"] == {"mean": statistics.mean(values), "std": statistics.stdev(values), "n": 4}
    assert found["train"]["loss"] == {"mean": 0.5, "std": 0.0, "n": 4}
    assert found["validation"] == {}
    assert aggregate({1: run_of(0.5)})["test"]["accuracy"] == {"mean": 0.5, "std": None, "n": 1}


def test_the_metrics_say_who_is_missing_and_what_the_split_means() -> None:
    record = EnsembleRecord(experiment=DIGITS, seeds=(1, 2, 3), threads=1)
    members = {1: run_of(0.5, seconds=1.5, data_fingerprint="a"), 3: run_of(0.7, seconds=2.0, data_fingerprint="b")}
    said = repeat_metrics(record, members, {"test": {"accuracy": 0.8}})
    assert (said["reason"], said["seeds"], said["missing"], said["seconds"]) == ("unfinished", [1, 3], [2], 3.5)
    assert said["ensemble"] == {"test": {"accuracy": 0.8}}
    assert any("validation rows" in note for note in said["notes"])
    same = {seed: run_of(0.5, data_fingerprint="a") for seed in record.seeds}
    assert repeat_metrics(record, same, {})["notes"] == []


def test_an_ensemble_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = plan_repeat(tmp_path / "new", DIGITS, (4, 2), threads=2)
    write_ensemble(tmp_path / "new", record)
    assert read_ensemble(tmp_path / "new") == record
    assert (record.seeds, record.threads) == ((4, 2), 2)


def test_a_repeat_goes_on_in_its_folder_with_more_seeds_and_its_own_threads(tmp_path: Path) -> None:
    write_ensemble(tmp_path, plan_repeat(tmp_path, DIGITS, (1, 2), threads=2))
    assert plan_repeat(tmp_path, DIGITS, (2, 1, 3), threads=8) == EnsembleRecord(
        experiment=DIGITS, seeds=(2, 1, 3), threads=2
    )
    with pytest.raises(UserError, match="seed 2"):
        plan_repeat(tmp_path, DIGITS, (1, 3), threads=2)
    with pytest.raises(UserError, match="another experiment"):
        plan_repeat(tmp_path, DIGITS.replaced(name="Other"), (1, 2), threads=2)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        plan_repeat(tmp_path, DIGITS, (1,), threads=1)


@pytest.mark.parametrize(
    "change", [{"seeds": []}, {"seeds": 5}, {"threads": 0}, {"more": 1}, {"experiment": None}, {"format": 2}]
)
def test_a_damaged_ensemble_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    write_ensemble(tmp_path, plan_repeat(tmp_path, DIGITS, (1,), threads=1))
    path = tmp_path / "ensemble.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError):
        read_ensemble(tmp_path)


def test_a_member_is_new_begun_or_done(tmp_path: Path) -> None:
    wanted = member_experiment(DIGITS, 7)
    assert wanted == DIGITS.replaced(seed=7)
    folder = member_folder(tmp_path, 7)
    folder.mkdir(parents=True)
    assert member_state(folder, wanted) == "new"
    codec.save(wanted, folder / "experiment.json")
    assert member_state(folder, wanted) == "begun"
    (folder / "model.keras").touch()
    for reason, state in (("stopped", "begun"), ("finished", "done"), ("diverged", "done")):
        (folder / "metrics.json").write_text(json.dumps({"reason": reason}))
        assert member_state(folder, wanted) == state
    record = EnsembleRecord(experiment=DIGITS, seeds=(7, 8), threads=1)
    assert trained_members(tmp_path, record) == {}  # it diverged
    (folder / "metrics.json").write_text(json.dumps(run_of(0.5)))
    assert trained_members(tmp_path, record) == {7: run_of(0.5)}
    with pytest.raises(UserError, match="another experiment"):
        member_state(folder, wanted.replaced(seed=8))
    (folder / "experiment.json").write_text("{")
    with pytest.raises(UserError, match=r"The member in .*7: experiment\.json is not valid JSON"):
        member_state(folder, wanted)


def test_shared_layers_are_cloned_so_that_no_seed_changes_the_source(tmp_path: Path) -> None:
    reuse = (Reuse(layer="dense_1", source="dense_1", mode="share"),)
    shared = DIGITS.replaced(transfer=Transfer(source="run", reuse=reuse))
    member = member_experiment(shared, 1)
    assert member.transfer is not None
    assert [item.mode for item in member.transfer.reuse] == ["clone"]
    as_trained = member.replaced(transfer=member.transfer.replaced(source="../../elsewhere/run"))
    codec.save(as_trained, tmp_path / "experiment.json")  # a run folder names its source from where it lies
    assert member_state(tmp_path, member) == "begun"


# ------------------------------------------------------------------------------------------- two repeats


def test_student_s_t_equals_scipy_s() -> None:
    for freedom in (*range(1, 31), 40, 100, 999):
        assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=2e-3)


def test_repeats_are_compared_seed_by_seed_as_scipy_s_paired_test() -> None:
    first = {seed: run_of(value) for seed, value in zip((1, 2, 3, 4, 9), (0.91, 0.93, 0.95, 0.94, 0.1), strict=True)}
    second = {seed: run_of(value) for seed, value in zip((4, 3, 2, 1), (0.931, 0.945, 0.918, 0.902), strict=True)}
    found = compare_repeats(first, second)
    assert found is not None
    differences = [0.008, 0.012, 0.005, 0.009]
    assert found.seeds == (1, 2, 3, 4)
    assert found.mean == pytest.approx(statistics.mean(differences))
    assert found.std == pytest.approx(statistics.stdev(differences))
    interval = stats.ttest_rel([0.91, 0.93, 0.95, 0.94], [0.902, 0.918, 0.945, 0.931]).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-6)
    assert found.beyond_chance
    sentence = difference_sentence(found, "Adam", "SGD").replace("\u00a0", " ")
    assert sentence.startswith("Test accuracy 93.2 ± 1.7 % (n = 4) (Adam) against 92.4 ± 1.8 % (n = 4) (SGD)")
    assert sentence.endswith(
        "paired by 4 seeds +0.85 points (95 % interval +0.39 to +1.31): Adam is better, beyond chance."
    )


def test_a_difference_within_chance_is_called_so_and_one_seed_decides_nothing() -> None:
    first = {1: run_of(0.9), 2: run_of(0.8)}
    second = {1: run_of(0.8), 2: run_of(0.9)}
    assert difference_sentence(compare_repeats(first, second), "A", "B").endswith("no difference beyond chance.")
    one = compare_repeats({1: run_of(0.9)}, second)
    assert one is not None and one.std is None and not one.beyond_chance
    said = difference_sentence(one, "A", "B").replace("\u00a0", " ")
    assert "one seed in common, has test accuracy 90.0 % (A) against 80.0 % (B)" in said
    assert compare_repeats({5: run_of(0.9)}, second) is None
    assert "nothing can be paired" in difference_sentence(None, "A", "B")


def test_the_lower_loss_is_better() -> None:
    first, second = (
        {seed: {"test": {"loss": value + value * seed / 100}} for seed in (1, 2, 3)} for value in (0.2, 0.3)
    )
    assert difference_sentence(compare_repeats(first, second), "A", "B").endswith("A is better, beyond chance.")
    assert math.isclose(compare_repeats(first, second).mean, -0.102)


def test_seeds_that_all_differ_by_the_same_prove_nothing() -> None:
    """One test row of 72 more on each of three seeds: Student's t gives an interval of no width."""
    first, second = ({seed: run_of(value / 72) for seed in (1, 2, 3)} for value in (72, 71))
    found = compare_repeats(first, second)
    assert found is not None and not found.beyond_chance
    assert difference_sentence(found, "A", "B").endswith(
        "without a spread that tells it from chance: train more seeds."
    )
    same = compare_repeats(first, first)
    assert difference_sentence(same, "A", "B").endswith("no difference beyond chance.")
