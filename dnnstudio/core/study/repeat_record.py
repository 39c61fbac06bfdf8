"""A repeat as one row of the runs table, and its members' histories as one: mean and standard deviation an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import fsum, hypot, isfinite, sqrt
from pathlib import Path

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import is_missing
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.text import share_text, unbroken, with_spread
from dnnstudio.core.workspace.ensembles import ENSEMBLE, TRAINED, EnsembleRecord, member_folder, read_ensemble
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, read_rows
from dnnstudio.core.workspace.runs import (
    UNFINISHED,
    Repeated,
    RunRecord,
    Spread,
    is_run,
    number_of,
    read_run,
    trained_on,
)

SUMMABLE = 1e150
"""The sum of as many values as a study has stays within a float where they are smaller than this."""


def read_repeat(folder: Path) -> tuple[RunRecord, tuple[RunRecord, ...]]:
    """The row of the ensemble in `folder`, and those of its begun members in the order of its seeds.

    Raises `UserError`; a member that cannot be read counts as not trained.
    """
    ensemble = read_ensemble(folder)
    members = tuple(_members(folder, ensemble.seeds))
    return repeat_record(folder, ensemble, members), members


def repeat_record(folder: Path, ensemble: EnsembleRecord, members: Sequence[RunRecord]) -> RunRecord:
    """The row of the ensemble in `folder` with these begun members. Raises `OSError` where the folder is gone."""
    trained = [member for member in members if member.status in TRAINED]
    figures = {
        name: spread([value for member in trained if (value := getattr(member, name)) is not None])
        for name in ("val_loss", "val_accuracy", "test_accuracy", "val_r2", "test_r2")
    }
    seconds = [member.seconds for member in members if member.seconds is not None]
    return RunRecord(
        folder=folder,
        number=number_of(folder),
        name=ensemble.experiment.name,
        status="finished" if len(trained) == len(ensemble.seeds) else UNFINISHED,
        epochs_done=sum(member.epochs_done for member in members),
        epochs_planned=planned_epochs(ensemble.experiment) * len(ensemble.seeds),
        parameters=next((member.parameters for member in trained), None),
        seconds=sum(seconds) if seconds else None,
        when=min((member.when for member in members), default=0.0) or (folder / ENSEMBLE).stat().st_mtime,
        val_loss=_mean(figures["val_loss"]),
        val_accuracy=_mean(figures["val_accuracy"]),
        test_accuracy=_mean(figures["test_accuracy"]),
        val_r2=_mean(figures["val_r2"]),
        test_r2=_mean(figures["test_r2"]),
        trained_on=trained_on(ensemble.experiment),
        changed=changed_files(folder),
        repeat=Repeated(ensemble.seeds, len(trained), **figures),
    )


def _members(folder: Path, seeds: Iterable[int]) -> Iterable[RunRecord]:
    for seed in seeds:
        if (found := read_member(folder, seed)) is not None:
            yield found


def read_member(folder: Path, seed: int) -> RunRecord | None:
    """The row of one member; None where it has not begun or cannot be read."""
    place = member_folder(folder, seed)
    try:
        return read_run(place) if is_run(place) else None
    except UserError:
        return None


def _mean(found: Spread | None) -> float | None:
    return found.mean if found is not None else None


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation of the values by `statistics`; None without any.

    Those functions are exact and slow, and a table asks for the same values at every key of a search.
    """
    return _spread(tuple(values)) if values else None


@lru_cache(maxsize=10_000)
def _spread(values: tuple[float, ...]) -> Spread:
    from statistics import mean, stdev  # the first paint does not need them

    return Spread(mean(values), stdev(values) if len(values) > 1 else None, len(values))


def spread_words(found: Spread | None, *, counted: bool = True, share: bool = False) -> str:
    """ "0.913 ± 0.002 (n = 5)", with no-break spaces; a dash for None. `counted` adds the number of seeds.

    A `share` is written in percent: "91.3 ± 0.2 %".
    """
    if found is None:
        return "–"
    if share:
        words = share_text(found.mean)
        if found.std is not None:
            words = with_spread(words, share_text(found.std))
        return unbroken(f"{words} (n = {found.n})" if counted else words)
    size = abs(found.mean)
    decimals = ".2g" if size < 0.01 else ".3f" if size < 10 else ".2f" if size < 1000 else ",.0f"
    words = f"{found.mean:{decimals}}"
    if found.std is not None:
        words += f" ± {found.std:{'.1g' if size < 0.01 else decimals}}"
    return unbroken(f"{words} (n = {found.n})" if counted else words)


def member_rows(folder: Path, seeds: Iterable[int]) -> dict[int, list[Row]]:
    """Seed → history of every begun member of the ensemble in `folder`. Raises `UserError` for a damaged history."""
    places = {seed: member_folder(folder, seed) / HISTORY for seed in seeds}
    return {seed: read_rows(place) for seed, place in places.items() if not is_missing(place)}


def mean_rows(histories: Iterable[Sequence[Mapping[str, float]]]) -> tuple[list[Row], list[Row]]:
    """The histories of several members as one: the mean of each figure after each epoch, and its standard deviation.

    An epoch's figures are over the members that have reached it. The second list has the same epochs; a figure of a
    single member has no deviation there. Values that are not finite, of a member that diverged, are left out.
    """
    found: dict[float, dict[str, list[float]]] = {}
    for history in histories:
        for row in history:
            of_epoch = found.setdefault(row["epoch"], {})
            for name, value in row.items():
                if name != "epoch" and isfinite(value):
                    of_epoch.setdefault(name, []).append(value)
    means, deviations = [], []
    for epoch in sorted(found):
        figures = found[epoch]
        centre = {name: _centre(values) for name, values in figures.items()}
        means.append({"epoch": epoch} | centre)
        several = {name: _deviation(values, centre[name]) for name, values in figures.items() if len(values) > 1}
        deviations.append({"epoch": epoch} | several)
    return means, deviations


def _deviation(values: Sequence[float], centre: float) -> float:
    """The sample standard deviation, thirty times as quick as `statistics.stdev`: a live plot needs thousands.

    By `hypot`, since the squares of large values are beyond a float.
    """
    return hypot(*(value - centre for value in values)) / sqrt(len(values) - 1)


def _centre(values: Sequence[float]) -> float:
    if max(map(abs, values)) < SUMMABLE:
        return fsum(values) / len(values)
    return 2 * fsum(value / 2 / len(values) for value in values)
