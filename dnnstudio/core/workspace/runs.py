"""The run folders of a workspace: their numbers, and the record each one holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dnnstudio.core.atomic_files import make_folder, sweep_leftovers
from dnnstudio.core.checksums import FILE as CHECKSUMS
from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import found_in, is_file_there, is_folder_there, is_there, plainly_refused, reason_of
from dnnstudio.core.planning.stages import planned_epochs, stage_lengths
from dnnstudio.core.uncertainty.figure_names import R2
from dnnstudio.core.workspace.figures import Measured, measured
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, rows_of
from dnnstudio.core.workspace.metrics import METRICS as METRICS
from dnnstudio.core.workspace.metrics import read_metrics as read_metrics

EXPERIMENT = "experiment.json"
MODEL = "model.keras"
BEST_MODEL = "best.keras"
Weights = Literal["last", "best"]
"""Which of a run's weights: those that its training ended with, or those of its best epoch."""
CHECKPOINT = "checkpoint"
PREPARATION = "preparation.json"
STATE = "state.npz"
"""The file of a checkpoint that an exact resume reads."""
RUNS = "runs"
SWEEPS = "sweeps"
SWEEP = "sweep.json"
"""The file that makes a folder a sweep; `core.study.sweep` says what is in it."""
COMPARISONS = "comparisons"
"""Folder of a workspace whose folders hold the runs of one comparison each."""
ENDED = ("finished", "early_stopping")
"""Reasons of a training that came to its planned end."""
DAMAGED = "damaged"
"""Status of a run whose figures or history cannot be read."""
UNFINISHED = "unfinished"
"""Status of a run without final figures: it is still running, or the program ended before the run did."""

_NUMBERED = re.compile(r"^(\d{4,})(?: (.*))?$")
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several seeds: its mean, its sample standard deviation (n − 1; None for one seed), and n."""

    mean: float
    std: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """What makes a row of the runs table one of several seeds: which, how many are trained, and their figures."""

    seeds: tuple[int, ...]
    trained: int
    val_loss: Spread | None = None
    val_accuracy: Spread | None = None
    test_accuracy: Spread | None = None
    val_r2: Spread | None = None
    test_r2: Spread | None = None

    @property
    def complete(self) -> bool:
        """Whether every seed is trained."""
        return self.trained == len(self.seeds)

    @property
    def can_go_on(self) -> bool:
        """Whether there is a seed to train, or to try again."""
        return not self.complete


@dataclass(frozen=True, slots=True)
class Swept:
    """What makes a row of the runs table one of many trials: how many are planned, how many are over, and the best."""

    trials: int
    over: int
    best: int | None = None
    """The number of the trial with the best validation figure, whose figures the row has."""
    home: Path | None = None
    """That trial's run folder."""
    varied: str = ""
    """What is varied, in words: "learning rate × units"."""
    failed: int = 0
    """How many of those that are over failed; going on tries them again."""

    @property
    def complete(self) -> bool:
        """Whether every trial is over."""
        return self.over >= self.trials

    @property
    def can_go_on(self) -> bool:
        """Whether there is a trial to begin or to try again."""
        return not self.complete or self.failed > 0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One row of the runs table. Figures that a run does not have are None.

    `status` is an `EndReason` of `core.jobs.results` or `UNFINISHED`; `when` is the start, in seconds since 1970.
    """

    folder: Path
    number: int
    name: str
    status: str
    epochs_done: int
    epochs_planned: int
    val_loss: float | None = None
    val_accuracy: float | None = None
    test_accuracy: float | None = None
    val_r2: float | None = None
    test_r2: float | None = None
    """Of a run that predicts a number."""
    parameters: int | None = None
    seconds: float | None = None
    when: float = 0.0
    run: str = ""
    measured: Measured | None = None
    """Which weights the final figures are of; None while there are none."""
    rate_by_hand: bool = False
    """Whether a person changed the learning rate while it trained."""
    trained_on: str = ""
    """A fingerprint of its data: figures say which run is better only where it is equal."""
    changed: tuple[str, ...] = ()
    """Its text files that hold something else than this program wrote."""
    damaged: str = ""
    """What cannot be read of it, in a sentence; the rest is here."""
    repeat: Repeated | None = None
    """Set for the folder of an ensemble; the figures above are then means over its members."""
    sweep: Swept | None = None
    """Set for the folder of a sweep; the figures above are then those of its best trial."""

    @property
    def home(self) -> Path:
        """The run folder that stands for the row: of a sweep, that of its best trial."""
        return self.sweep.home if self.sweep is not None and self.sweep.home is not None else self.folder

    @property
    def words(self) -> str:
        """Which row it is, for a sentence: "run 3, Digits", "run 4, Digits, trial 7", "seed 43 transfer, Digits"."""
        which = f"run {self.number}" if self.number else "" if self.folder.name.isdigit() else self.folder.name
        named = ", ".join(dict.fromkeys(part for part in (which, self.name) if part))
        best = self.sweep.best if self.sweep is not None else None
        return named if best is None else f"{named}, trial {best}"

    @property
    def has_network(self) -> bool:
        """Whether its last weights are there now; of a repeat, those of a trained member."""
        return self.repeat.trained > 0 if self.repeat is not None else is_file_there(self.home / MODEL)


def is_run(folder: Path) -> bool:
    """Whether the folder holds a run."""
    return is_file_there(folder / EXPERIMENT)


def is_sweep(folder: Path) -> bool:
    """Whether the folder holds a sweep."""
    return is_file_there(folder / SWEEP)


def is_begun(folder: Path) -> bool:
    """Whether the folder holds a run that has something to lose: a checkpoint, a network, or epochs."""
    return is_run(folder) and any(
        is_file_there(folder / name) for name in (f"{CHECKPOINT}/{STATE}", MODEL, BEST_MODEL, HISTORY)
    )


def can_go_on(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from. What a save that was interrupted left is swept.

    A run that was interrupted before its first checkpoint has nothing worth keeping: its experiment file is deleted, so
    that the run can start again.
    """
    for place in (folder, folder / CHECKPOINT):
        sweep_leftovers(place, older_than_s=0)
    if is_folder_there(folder / CHECKPOINT) and found_in(folder / CHECKPOINT, "*"):
        return True
    if not is_there(folder / MODEL):
        (folder / EXPERIMENT).unlink(missing_ok=True)
    return False


def claim(folder: Path, experiment: Experiment) -> None:
    """Make the folder of a run and say what it will train, before anything is read: whenever the program ends, it can
    be begun again by what lies there. Raises `UserError`.
    """
    make_folder(folder)
    codec.save(experiment, folder / EXPERIMENT, checked=True)


def release(folder: Path) -> None:
    """Remove what `claim` made where no training began: it could not be read, or not be built."""
    if not is_begun(folder):
        with suppress(OSError):
            for name in (EXPERIMENT, PREPARATION, CHECKSUMS):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()


def home_of(path: Path) -> Path:
    """The run folder for a path: a model file inside a run stands for the run. Other paths are returned unchanged."""
    return path.parent if path.name == MODEL and is_run(path.parent) else path


def model_file(folder: Path, weights: Weights) -> Path:
    """The file of a run's last or best weights, whether it is there or not."""
    return folder / (BEST_MODEL if weights == "best" else MODEL)


def best_apart(folder: Path, metrics: Mapping[str, Any]) -> int | None:
    """The best epoch of a finished run with these figures, where its weights are kept and are not the last ones.

    Runs of version 0.1.0 do not say whether they went back to the best weights; there the epochs decide.
    """
    best, last = metrics.get("best_epoch"), metrics.get("epochs")
    if not isinstance(best, int) or not isinstance(last, int) or not is_file_there(folder / BEST_MODEL):
        return None
    apart = isinstance(metrics.get("best"), dict) if "best" in metrics else 0 < best < last
    return best if apart else None


def read_run(folder: Path, *, in_part: bool = False) -> RunRecord:
    """Read the record of the run in `folder`. Raises `UserError` if it is no run, may not be looked at, or is damaged.

    With `in_part` figures or a history that are damaged are left out, and the record says so: such a run is listed.
    """
    with plainly_refused(folder):
        return _read_run(folder, in_part=in_part)


def read_parts(folder: Path, *, in_part: bool = False) -> tuple[dict[str, Any], list[Row], str]:
    """Final figures and history of the run in `folder`, empty without any, and what is wrong with them in words.

    Raises `UserError` for what is damaged; with `in_part` it is left out.
    """
    metrics: dict[str, Any] = {}
    rows: list[Row] = []
    said: list[str] = []
    try:
        metrics = read_metrics(folder) or {}
    except UserError as error:
        if not in_part:
            raise
        said.append(str(error))
    try:
        rows = rows_of(folder)
    except UserError as error:
        if not in_part:
            raise
        said.append(error.message)
    return metrics, rows, " ".join(said)


def _read_run(folder: Path, *, in_part: bool) -> RunRecord:
    if not is_run(folder):
        raise UserError(f"{folder} holds no run.", f"A run folder has an {EXPERIMENT} in it.")
    experiment = codec.load(folder / EXPERIMENT)
    metrics, rows, damaged = read_parts(folder, in_part=in_part)
    last: Row = rows[-1] if rows else {}
    return RunRecord(
        folder=folder,
        number=number_of(folder),
        name=experiment.name,
        status=DAMAGED if damaged else str(metrics.get("reason", UNFINISHED)),
        epochs_done=len(rows),
        epochs_planned=planned_epochs(experiment, stage_lengths(rows)),
        val_loss=_figure(metrics, "validation", "loss", last.get("val_loss")),
        val_accuracy=_figure(metrics, "validation", "accuracy", last.get("val_accuracy")),
        test_accuracy=_figure(metrics, "test", "accuracy", None),
        val_r2=_figure(metrics, "validation", R2, last.get(f"val_{R2}")),
        test_r2=_figure(metrics, "test", R2, None),
        parameters=None if (count := _number(metrics.get("parameters"))) is None else int(count),
        seconds=_number(metrics.get("seconds"), sum(row.get("seconds", 0.0) for row in rows) if rows else None),
        when=_number(metrics.get("started")) or (folder / EXPERIMENT).stat().st_mtime,
        run=str(metrics.get("run", "")),
        measured=measured(metrics, experiment) if metrics else None,
        trained_on=trained_on(experiment),
        changed=changed_files(folder),
        damaged=damaged,
        rate_by_hand=any(change.unit == "steps" for change in experiment.rate_changes),
    )


def trained_on(experiment: Experiment) -> str:
    """What must be equal for figures of two runs to be compared: the source of the data, and the classes told apart.

    A fingerprint, as it is compared for every run of the table whenever one of them changes.
    """
    data = experiment.data
    text = data.source.model_dump_json() + data.classes.model_dump_json()
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def number_of(folder: Path) -> int:
    """The number in a run folder's name; 0 without one."""
    match = _NUMBERED.match(folder.name)
    return int(match[1]) if match else 0


def run_folders(workspace: Path) -> tuple[Path, ...]:
    """The numbered folders under `runs`, sorted by number, without reading them."""
    return _numbered(workspace / RUNS)


def sweep_folders(workspace: Path) -> tuple[Path, ...]:
    """The numbered folders under `sweeps`, sorted by number, without reading them."""
    return _numbered(workspace / SWEEPS)


def _numbered(folder: Path) -> tuple[Path, ...]:
    found = [(int(match[1]), path) for path in found_in(folder, "*") if (match := _NUMBERED.match(path.name))]
    return tuple(path for _, path in sorted(found))


def comparison_runs(workspace: Path) -> tuple[Path, ...]:
    """The folders of the trainings of all comparisons, unread, by name."""
    return tuple(path.parent for path in found_in(workspace, f"{COMPARISONS}/*/*/{EXPERIMENT}"))


def trained_run_of(experiment: Experiment, workspace: Path) -> Path | None:
    """The newest run of a workspace that has trained this very experiment to its end; None where there is none."""
    for folder in reversed(run_folders(workspace)):
        try:
            ended = (read_metrics(folder) or {}).get("reason") in ENDED and is_there(folder / MODEL)
            if ended and codec.load(folder / EXPERIMENT).replaced(name=experiment.name) == experiment:
                return folder
        except UserError:
            continue
    return None


def new_run_folder(workspace: Path, name: str) -> Path:
    """Create `runs/0013 name` with the next free number. Raises `UserError`."""
    return _new_numbered(workspace, RUNS, name)


def new_sweep_folder(workspace: Path, name: str) -> Path:
    """Create `sweeps/0014 name` with the next free number. Raises `UserError`."""
    return _new_numbered(workspace, SWEEPS, name)


def _new_numbered(workspace: Path, kind: str, name: str) -> Path:
    """Runs and sweeps are numbered together: they stand in one table, which is sorted by number."""
    place = workspace / kind
    make_folder(place)
    existing = (*run_folders(workspace), *sweep_folders(workspace))
    number = max((int(path.name.split(" ")[0]) for path in existing), default=0) + 1
    while True:
        folder = place / f"{number:04d} {safe_name(name)}".rstrip()
        try:
            folder.mkdir()
            return folder
        except FileExistsError:  # another window took this number
            number += 1
        except OSError as error:
            raise UserError(
                f"The folder {folder} cannot be made: {reason_of(error)}.", "Choose another workspace."
            ) from None


_PLACES = ("*", f"*/{CHECKPOINT}", "*/members/*", f"*/members/*/{CHECKPOINT}", "*/trials/*", f"*/trials/*/{CHECKPOINT}")
_SWEPT = ("*", *(f"{RUNS}/{place}" for place in _PLACES), *(f"{SWEEPS}/{place}" for place in _PLACES))


def sweep_workspace(workspace: Path) -> int:
    """Delete temporary files that interrupted saves left in the workspace more than a day ago, and return how many."""
    inside = [folder for pattern in _SWEPT for folder in found_in(workspace, pattern) if is_folder_there(folder)]
    return sum(sweep_leftovers(folder) for folder in (workspace, *inside))


def safe_name(name: str) -> str:
    """`name` as part of a folder name that is valid on every operating system."""
    return " ".join(_UNSAFE.sub(" ", name).split()).strip(". ")[:60].strip(". ")


def _figure(metrics: dict[str, Any], part: str, name: str, otherwise: float | None) -> float | None:
    figures = metrics.get(part)
    return _number(figures.get(name), otherwise) if isinstance(figures, dict) else otherwise


def _number(value: Any, otherwise: float | None = None) -> float | None:
    return float(value) if isinstance(value, int | float) else otherwise
