"""The run folders of a workspace: their numbers, and what each one says of itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.files import make_folder, read_bounded, sweep_leftovers
from dnnstudio.core.history import FILE as HISTORY
from dnnstudio.core.history import Row, read_rows
from dnnstudio.core.stages import planned_epochs

EXPERIMENT = "experiment.json"
METRICS = "metrics.json"
MODEL = "model.keras"
BEST_MODEL = "best.keras"
CHECKPOINT = "checkpoint"
RUNS = "runs"
UNFINISHED = "unfinished"
"""Status of a run without final figures: it is still going on, or the program ended before it did."""

_NUMBERED = re.compile(r"^(\d{4,})(?: (.*))?$")
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
MAX_METRICS_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One row of the table of runs. Figures that a run does not have are None.

    `status` is an `EndReason` of `core.jobs` or `UNFINISHED`; `when` is the time of its start, in seconds since 1970.
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
    parameters: int | None = None
    seconds: float | None = None
    when: float = 0.0
    run: str = ""


def is_run(folder: Path) -> bool:
    """Whether the folder holds a run."""
    return (folder / EXPERIMENT).is_file()


def home_of(path: Path) -> Path:
    """The run folder that a path means: a run's model file stands for its run. Other paths are their own."""
    return path.parent if path.name == MODEL and is_run(path.parent) else path


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """The run's final figures, or None while it has none. Raises `UserError` for a damaged file."""
    path = folder / METRICS
    if not path.exists():
        return None
    try:
        plain = json.loads(read_bounded(path, MAX_METRICS_BYTES, what="the figures of a run"))
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict):
        raise UserError(f"{path} is damaged.", "Remove the file, and the run counts as unfinished.")
    return plain


def read_run(folder: Path) -> RunRecord:
    """What the run in `folder` says of itself. Raises `UserError` when it holds none."""
    if not is_run(folder):
        raise UserError(f"{folder} holds no run.", f"A run folder has an {EXPERIMENT} in it.")
    experiment = codec.load(folder / EXPERIMENT)
    metrics = read_metrics(folder) or {}
    rows = read_rows(folder / HISTORY) if (folder / HISTORY).exists() else []
    last: Row = rows[-1] if rows else {}
    match = _NUMBERED.match(folder.name)
    return RunRecord(
        folder=folder,
        number=int(match[1]) if match else 0,
        name=experiment.name,
        status=str(metrics.get("reason", UNFINISHED)),
        epochs_done=len(rows),
        epochs_planned=planned_epochs(experiment),
        val_loss=_figure(metrics, "validation", "loss", last.get("val_loss")),
        val_accuracy=_figure(metrics, "validation", "accuracy", last.get("val_accuracy")),
        test_accuracy=_figure(metrics, "test", "accuracy", None),
        parameters=None if (count := _number(metrics.get("parameters"))) is None else int(count),
        seconds=_number(metrics.get("seconds"), sum(row.get("seconds", 0.0) for row in rows) if rows else None),
        when=_number(metrics.get("started")) or (folder / EXPERIMENT).stat().st_mtime,
        run=str(metrics.get("run", "")),
    )


def run_folders(workspace: Path) -> tuple[Path, ...]:
    """The numbered folders under `runs`, by number, unread."""
    folder = workspace / RUNS
    try:
        found = [(int(match[1]), path) for path in folder.iterdir() if (match := _NUMBERED.match(path.name))]
    except OSError:
        return ()
    return tuple(path for _, path in sorted(found))


def new_run_folder(workspace: Path, name: str) -> Path:
    """Make `runs/0013 name` with the next free number. Raises `UserError`."""
    make_folder(workspace / RUNS)
    existing = run_folders(workspace)
    number = max((int(path.name.split(" ")[0]) for path in existing), default=0) + 1
    while True:
        folder = workspace / RUNS / f"{number:04d} {safe_name(name)}".rstrip()
        try:
            folder.mkdir()
            return folder
        except FileExistsError:  # another window took the number
            number += 1
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UserError(f"The folder {folder} cannot be made: {reason}.", "Choose another workspace.") from None


def sweep_workspace(workspace: Path) -> int:
    """Remove what killed saves left in the workspace's folders more than a day ago; give how many files."""
    inside = [folder for pattern in ("*", f"{RUNS}/*") for folder in workspace.glob(pattern) if folder.is_dir()]
    return sum(sweep_leftovers(folder) for folder in (workspace, *inside))


def safe_name(name: str) -> str:
    """`name` as a part of a folder's name that every system allows."""
    return " ".join(_UNSAFE.sub(" ", name).split()).strip(". ")[:60].strip(". ")


def _figure(metrics: dict[str, Any], part: str, name: str, otherwise: float | None) -> float | None:
    figures = metrics.get(part)
    return _number(figures.get(name), otherwise) if isinstance(figures, dict) else otherwise


def _number(value: Any, otherwise: float | None = None) -> float | None:
    return float(value) if isinstance(value, int | float) else otherwise
