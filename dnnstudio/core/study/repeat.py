"""Repeats of one experiment with several seeds: the plan of the runs, and mean and standard deviation of
their figures.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import holds_something
from dnnstudio.core.os_errors import is_there
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.ensembles import MOST_SEEDS, TRAINED, EnsembleRecord, is_ensemble, read_ensemble
from dnnstudio.core.workspace.runs import EXPERIMENT, MODEL, is_run, read_metrics

PARTS = ("train", "validation", "test")
HIGHEST_SEED = 2**32 - 1

Figures = dict[str, dict[str, Any]]
"""Figure → {"mean", "std", "n"}; `std` is the sample standard deviation (n − 1), None for a single value."""
MemberState = Literal["new", "begun", "done"]


def parse_seeds(text: str, *, first: int) -> tuple[int, ...]:
    """Parse seeds: "5" means five seeds from `first` on, "1,7,9" means these. Raises `UserError`."""
    words = [word.strip() for word in text.split(",")]
    if len(words) > 1 and not words[-1]:
        words.pop()  # "7," is the single seed 7
    if not all(word.isascii() and word.isdigit() and len(word) < 20 for word in words):
        raise UserError(f'--seeds is "{text}"; it must be a number of seeds or a list.', "For example: 5, or 1,7,9.")
    numbers = tuple(int(word) for word in words)
    if "," not in text:
        count = numbers[0]
        if not 1 <= count <= MOST_SEEDS:
            raise UserError(
                f"--seeds asks for {count_of(count, 'seed')}; it must be 1 to {MOST_SEEDS}.", 'One seed alone is "7,".'
            )
        numbers = tuple(range(first, first + count))
    if twice := [number for number in numbers if numbers.count(number) > 1]:
        raise UserError(f"--seeds names {twice[0]} twice.", "Name each seed once.")
    if len(numbers) > MOST_SEEDS or max(numbers) > HIGHEST_SEED:
        raise UserError(
            f"--seeds takes at most {MOST_SEEDS} seeds up to {HIGHEST_SEED}.", "Give fewer or smaller ones."
        )
    return numbers


def plan_repeat(folder: Path, experiment: Experiment, seeds: Sequence[int], *, threads: int) -> EnsembleRecord:
    """The ensemble to train in `folder`: a new one, or the existing one with these seeds added.

    An existing ensemble keeps its number of threads, so that all members are trained alike. Raises `UserError` if the
    folder contains something else.
    """
    record = EnsembleRecord(experiment=experiment, seeds=tuple(seeds), threads=threads)
    if not is_ensemble(folder):
        if folder.exists() and (not folder.is_dir() or holds_something(folder)):
            raise UserError(f"{folder} is not empty and holds no ensemble.", "Give a new or an empty folder.")
        return record
    before = read_ensemble(folder)
    if before.experiment != experiment:
        raise UserError(
            f"{folder} holds the ensemble of another experiment.",
            "Give that one, with every --set as then, or a new folder.",
        )
    if missing := [seed for seed in before.seeds if seed not in seeds]:
        raise UserError(
            f"{folder} was begun with the seed {missing[0]}, which --seeds leaves out.",
            f"Give all of {','.join(map(str, before.seeds))}, and more if you like.",
        )
    return record.model_copy(update={"threads": before.threads})


def member_experiment(experiment: Experiment, seed: int) -> Experiment:
    """The experiment of one member: a single run with that seed.

    Shared layers are cloned, or each seed would start from a source that the previous one changed.
    """
    member = experiment.replaced(seed=seed)
    if (transfer := member.transfer) is None or not transfer.shared:
        return member
    reuse = tuple(item.replaced(mode="clone") for item in transfer.reuse)
    return member.replaced(transfer=transfer.replaced(reuse=reuse))


def member_state(folder: Path, wanted: Experiment) -> MemberState:
    """The state of a member. A diverged one is done, as it would diverge again. Raises `UserError` for an unrelated
    run, and for one that cannot be read.
    """
    if not is_run(folder):
        return "new"
    try:
        found = codec.load(folder / EXPERIMENT)
    except UserError as error:
        raise UserError(f"The member in {folder}: {error.message}", error.hint) from None
    if comparable(found, wanted) != comparable(wanted, wanted):
        raise UserError(f"{folder} holds a run of another experiment.", "Repeat into a new folder.")
    metrics = read_metrics(folder) or {}
    ended = metrics.get("reason") in TRAINED | {"diverged"}
    return "done" if ended and is_there(folder / MODEL) else "begun"


def comparable(experiment: Experiment, wanted: Experiment) -> Experiment:
    """The experiment without the parts that differ in a run folder: the source's relative path, and pretraining's
    substitutes.
    """
    if experiment.transfer is not None:
        experiment = experiment.replaced(transfer=experiment.transfer.replaced(source="source"))
    if wanted.pretraining is not None:
        experiment = experiment.replaced(layers=wanted.layers, loss=wanted.loss)
    return experiment


def spread_of(values: Sequence[float]) -> dict[str, Any]:
    """{"mean", "std", "n"} of some values, by `statistics.mean` and `stdev`."""
    std = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.mean(values), "std": std, "n": len(values)}


def aggregate(members: Mapping[int, Mapping[str, Any]]) -> dict[str, Figures]:
    """Part → figure → mean, standard deviation and number over the members; only figures that all of them have."""
    found: dict[str, Figures] = {}
    for part in PARTS:
        figures = [metrics.get(part) or {} for metrics in members.values()]
        names = [name for name in figures[0] if all(name in others for others in figures)] if figures else []
        found[part] = {name: spread_of([values[name] for values in figures]) for name in names}
    return found


def repeat_metrics(
    record: EnsembleRecord, members: Mapping[int, Mapping[str, Any]], ensemble: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """Contents of the ensemble's metrics.json.

    `members` are the metrics of the trained members by seed (at least one); `ensemble` the figures of their mean
    prediction, by part.
    """
    first = next(iter(members.values()))
    return {
        "reason": "finished" if len(members) == len(record.seeds) else "unfinished",
        "seeds": list(members),
        "missing": [seed for seed in record.seeds if seed not in members],
        "threads": record.threads,
        "parameters": first.get("parameters"),
        "versions": first.get("versions"),
        "seconds": round(sum(metrics.get("seconds", 0.0) for metrics in members.values()), 3),
        **aggregate(members),
        "ensemble": dict(ensemble),
        "notes": list(_notes(members)),
    }


def _notes(members: Mapping[int, Mapping[str, Any]]) -> tuple[str, ...]:
    """Caveats for the reader of the figures."""
    said = []
    if len({metrics.get("data_fingerprint") for metrics in members.values()}) > 1:
        said.append(
            "Each seed draws its own validation rows, so some members were trained on rows of the ensemble's "
            "validation part; judge it by its test figures."
        )
    if len(members) < 3:
        said.append("So few members tell little about the spread.")
    return tuple(said)
