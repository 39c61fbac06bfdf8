"""From scratch against transferred over seeds: which trainings, in which order, how many at a time, their figures."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.jobs.events import Event, RunEnded, RunStarted
from dnnstudio.core.jobs.results import ComparisonKey, ComparisonRun, RunResult, Start, TransferComparison
from dnnstudio.core.jobs.seed_comparison import summarize, verdict
from dnnstudio.core.planning.compatibility import default_transfer
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.runner.comparing import Comparison, ComparisonPlan
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunOutcome, RunTask

BASE = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=10, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=2, batch_size=128),
)
A, B = split_into_tasks(BASE, train_limit=64)
B_ON_A = B.replaced(transfer=default_transfer(B, (8, 8), "a.json", A.layers, epochs=(1, 1), mode="share"))


class Hooked:
    """One runner of two processes for all comparisons of this module, each of which is told its events."""

    def __init__(self) -> None:
        self.take = self.ignore
        self.runner = LocalRunner(2, threads=1, on_event=lambda task, event: self.take(task, event))

    def ignore(self, task: RunTask, event: Event) -> None:
        """Of a run that no comparison asked for."""

    def run(self, plan: ComparisonPlan, emit: Callable[[Comparison, Event], None] = lambda made, event: None) -> Any:
        made = Comparison(plan, lambda event: emit(made, event))
        self.take = made.take
        try:
            return made.run(self.runner)
        finally:
            self.take = self.ignore


@pytest.fixture(scope="module")
def hooked() -> Iterator[Hooked]:
    made = Hooked()
    yield made
    made.runner.stop_all()
    made.runner.shutdown()


def test_every_seed_is_trained_from_scratch_and_transferred(hooked: Hooked, tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    events: list[Event] = []
    out, last = tmp_path / "out", ComparisonKey(seed=2, start="transfer")
    plan = ComparisonPlan(experiment=B_ON_A, folder=out, seeds=(1, 2), base=tmp_path)

    def look(made: Comparison, event: Event) -> None:
        events.append(event)
        if isinstance(event, RunStarted) and event.key == last:
            made.stop()

    with pytest.raises(Cancelled):
        hooked.run(plan, look)
    assert {event.parent for event in events} == {events[0].parent} != {""}
    stored_runs = json.loads((out / "comparison.json").read_text())["runs"]
    done = {run["folder"]: (out / run["folder"] / "model.keras").stat().st_mtime_ns for run in stored_runs}
    assert {"seed 1 source", "seed 2 source"} <= done.keys() and "seed 2 transfer" not in done
    events.clear()
    result = hooked.run(plan, lambda made, event: events.append(event))
    ended = {
        f"seed {event.key.seed} {event.key.start}" for event in events if isinstance(event, RunEnded) and event.key
    }
    assert ended | done.keys() == {run.folder.name for run in result.runs} and not ended & done.keys()
    assert {name: (out / name / "model.keras").stat().st_mtime_ns for name in done} == done
    assert [(item.seed, item.start) for item in result.runs] == [
        (seed, start) for seed in (1, 2) for start in ("source", "scratch", "transfer")
    ]
    assert result.runs[0].metrics["fingerprint"] != result.runs[3].metrics["fingerprint"]
    stored = codec.load(out / "seed 2 transfer" / "experiment.json")
    assert stored.transfer is not None and stored.transfer.source == "../seed 2 source" and not stored.transfer.shared
    scratch = codec.load(out / "seed 1 scratch" / "experiment.json")
    assert (scratch.transfer, scratch.training.epochs, scratch.seed) == (None, 2, 1)

    values = [item.metrics["test"]["accuracy"] for item in result.runs if item.start == "transfer"]
    spread = result.summary["transfer"]["test"]["accuracy"]
    assert (spread.mean, spread.sd) == pytest.approx((statistics.mean(values), statistics.stdev(values)))
    written = json.loads((out / "comparison.json").read_text())["summary"]["transfer"]["test"]["accuracy"]
    assert written == {"mean": spread.mean, "sd": spread.sd}
    with (out / "comparison.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [float(row["test_accuracy"]) for row in table if row["start"] == "transfer"] == values


def test_a_comparison_on_a_pretrained_encoder_is_not_pretrained_again(hooked: Hooked, tmp_path: Path) -> None:
    pretraining = BASE.replaced(pretraining=Autoencoder(until="h1"), training=Training(epochs=1, batch_size=256))
    codec.save(pretraining, tmp_path / "auto.json")
    transfer = default_transfer(BASE, (8, 8), "auto.json", BASE.layers, epochs=(1, 1))
    plan = ComparisonPlan(
        experiment=BASE.replaced(transfer=transfer), folder=tmp_path / "out", seeds=(1,), base=tmp_path
    )
    first = hooked.run(plan)
    events: list[Event] = []
    again = hooked.run(plan, lambda made, event: events.append(event))
    assert events == []
    assert [item.metrics for item in again.runs] == [item.metrics for item in first.runs]


def test_a_comparison_is_the_training_itself(hooked: Hooked, tmp_path: Path) -> None:
    a = hooked.runner.submit(RunTask(experiment=A, folder=tmp_path / "a")).result()
    before = (a.task.folder / "model.keras").read_bytes()
    given = B_ON_A.replaced(transfer=B_ON_A.transfer.replaced(source="a"))
    result = hooked.run(ComparisonPlan(experiment=given, folder=tmp_path / "out", seeds=(B.seed,), base=tmp_path))
    assert (a.task.folder / "model.keras").read_bytes() == before
    single = hooked.runner.submit(RunTask(experiment=given, folder=tmp_path / "b", base=tmp_path)).result().result
    assert [item.start for item in result.runs] == ["scratch", "transfer"]
    assert single is not None and result.runs[1].metrics["fingerprint"] == single.metrics["fingerprint"]
    assert result.summary["scratch"]["test"]["loss"].sd == 0.0


def test_the_spread_is_that_of_a_sample() -> None:
    runs = [
        ComparisonRun(seed=seed, start="scratch", folder=Path(), metrics={"test": {"accuracy": value}})
        for seed, value in enumerate((0.8, 0.9, 1.0))
    ]
    spread = summarize(runs)["scratch"]["test"]["accuracy"]
    assert (spread.mean, spread.sd) == pytest.approx((0.9, 0.1))


@pytest.mark.parametrize(
    ("experiment", "seeds", "words"),
    [
        (B, (1,), "no transfer to compare"),
        (B_ON_A, (), "no seed to train with"),
        (B_ON_A, (1,), r'source of the transfer, "a\.json", does not exist'),
    ],
)
def test_what_cannot_be_compared_is_said(
    tmp_path: Path, experiment: Experiment, seeds: tuple[int, ...], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        Comparison(ComparisonPlan(experiment=experiment, folder=tmp_path / "out", seeds=seeds, base=tmp_path))
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------ without processes


class ByHand:
    """A runner of two jobs whose tasks end when the test says so, or at once."""

    jobs = 2

    def __init__(self, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self.asked: list[RunTask] = []
        self.open: dict[str, tuple[RunTask, Future[RunOutcome]]] = {}

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        future: Future[RunOutcome] = Future()
        self.asked.append(task)
        self.open[task.folder.name] = task, future
        if self.at_once:
            self.end(task.folder.name)
        return future

    def end(self, name: str, *, failed: str = "") -> None:
        task, future = self.open.pop(name)
        task.folder.mkdir(parents=True)
        result = RunResult(
            run=task.id, folder=task.folder, reason="finished", epochs=2, best_epoch=2,
            metrics={"test": {"accuracy": 0.5}},
        )  # fmt: skip
        future.set_result(
            RunOutcome(
                task=task,
                reason="failed" if failed else "finished",
                message=failed,
                result=None if failed else result,
            )
        )

    def stop(self, task: RunTask) -> None:
        _, future = self.open.pop(task.folder.name)
        future.set_result(RunOutcome(task=task, reason="stopped", message=""))

    def stop_all(self) -> None:
        for task, _ in list(self.open.values()):
            self.stop(task)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        del wait, cancel_futures


def test_as_many_train_as_the_runner_has_room_for_and_a_transfer_after_its_source(tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    runner, seen = ByHand(), []
    made = Comparison(ComparisonPlan(experiment=B_ON_A, folder=tmp_path / "out", seeds=(1, 2), base=tmp_path))
    order = iter(["seed 1 scratch", "seed 1 source", "seed 2 source"])

    def tell() -> None:
        seen.append((made.done, sorted(runner.open)))
        if runner.open:
            runner.end(next(order, next(iter(runner.open))))

    result = made.run(runner, tell)
    assert seen[:4] == [
        (0, ["seed 1 scratch", "seed 1 source"]),
        (1, ["seed 1 source", "seed 2 source"]),  # the transfer of seed 1 waits for its source
        (2, ["seed 1 transfer", "seed 2 source"]),
        (3, ["seed 1 transfer", "seed 2 scratch"]),
    ]
    assert len(result.runs) == made.done == made.total == 6 and made.share == 1.0


def test_a_training_that_fails_ends_the_comparison_by_its_reason_and_keeps_the_others(tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    runner = ByHand()
    made = Comparison(ComparisonPlan(experiment=B_ON_A, folder=tmp_path / "out", seeds=(1,), base=tmp_path))

    def tell() -> None:
        runner.end("seed 1 scratch") if made.done == 0 else runner.end("seed 1 source", failed="There is no memory.")

    with pytest.raises(UserError, match=r"Seed 1, the source: There is no memory\. What is trained already is kept\."):
        made.run(runner, tell)
    assert runner.open == {}
    assert [run["start"] for run in json.loads((tmp_path / "out" / "comparison.json").read_text())["runs"]] == [
        "scratch"
    ]


def test_a_stop_before_anything_began_trains_nothing(tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    runner = ByHand()
    made = Comparison(ComparisonPlan(experiment=B_ON_A, folder=tmp_path / "out", seeds=(1,), base=tmp_path))
    made.stop()
    with pytest.raises(Cancelled):
        made.run(runner)
    assert runner.asked == []


@pytest.mark.parametrize("greedy", [False, True])
def test_from_scratch_has_as_many_epochs_as_transferred(tmp_path: Path, greedy: bool) -> None:
    """Those of the phases; where the layers are pretrained one after the other, phases do not count."""
    codec.save(A, tmp_path / "a.json")
    given = B_ON_A
    if greedy:
        layers = (*B_ON_A.layers[:-1], Dense(id="h2", units=5, activation="relu"), B_ON_A.layers[-1])
        given = B_ON_A.replaced(layers=layers, pretraining=Autoencoder(until="h2", greedy=True))
    runner = ByHand(at_once=True)
    Comparison(ComparisonPlan(experiment=given, folder=tmp_path / "out", seeds=(1,), base=tmp_path)).run(runner)
    planned = {task.folder.name: planned_epochs(task.experiment) for task in runner.asked}
    assert planned["seed 1 scratch"] == planned["seed 1 transfer"] == planned_epochs(given)


def test_a_source_that_a_run_has_trained_is_used_and_not_trained_again(tmp_path: Path) -> None:
    """Of the workspace's runs, only the finished one of this very experiment; another seed is another source."""
    codec.save(A, tmp_path / "a.json")
    runs = {
        "0001 a": (A, "finished"),
        "0002 other seed": (A.replaced(seed=A.seed + 1), "finished"),
        "0003 stopped": (A, "stopped"),
    }
    for name, (experiment, reason) in runs.items():
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        codec.save(experiment, folder / "experiment.json")
        (folder / "metrics.json").write_text(json.dumps({"reason": reason}))
        (folder / "model.keras").write_bytes(b"weights")
    plan = ComparisonPlan(experiment=B_ON_A, folder=tmp_path / "out", seeds=(1, 2), base=tmp_path, workspace=tmp_path)
    runner = ByHand(at_once=True)
    result = Comparison(plan).run(runner)
    assert [item.start for item in result.runs] == ["scratch", "transfer"] * 2
    sources = [(task.folder, task.experiment.transfer.source) for task in runner.asked if task.experiment.transfer]
    assert [(folder / source).resolve() for folder, source in sources] == [tmp_path / "runs" / "0001 a"] * 2
    again = ByHand(at_once=True)
    Comparison(replace(plan, workspace=None, folder=tmp_path / "again")).run(again)
    assert len(again.asked) == 6


def compared(reasons: dict[tuple[int, Start], str]) -> TransferComparison:
    """Six trainings, better when transferred, with these reasons for their end in place of "finished"."""
    starts: tuple[Start, Start] = ("scratch", "transfer")
    runs = tuple(
        ComparisonRun(
            seed=seed,
            start=start,
            folder=Path(f"seed {seed} {start}"),
            metrics={"reason": reasons.get((seed, start), "finished"), "test": {"accuracy": seed / 10 + number / 20}},
        )
        for seed in (1, 2, 3)
        for number, start in enumerate(starts)
    )
    return TransferComparison(folder=Path(), runs=runs, summary=summarize(runs))


def test_the_verdict_names_the_seeds_that_diverged() -> None:
    assert "diverged" not in verdict(compared({}))
    said = verdict(compared({(1, "scratch"): "diverged", (3, "scratch"): "diverged", (2, "transfer"): "diverged"}))
    assert said.endswith(
        " Seeds 1 and 3 from scratch; Seed 2 transferred diverged: measured with the last good weights."
    )
