"""Output of `transfer`, `compare`, `library` and `diff`."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from typing import Any

from rich.console import Console

from dnnstudio.cli.printing.common import ProgressPrinter, table
from dnnstudio.core.jobs.events import Event, Progress, RunEnded
from dnnstudio.core.jobs.results import Library, ModelComparison, TransferComparison
from dnnstudio.core.jobs.seed_comparison import as_plain, verdict
from dnnstudio.core.text import count_of


class ComparisonPrinter(ProgressPrinter):
    """Prints one line per training, from any thread, and on a terminal one bar for all of them."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__(console)
        self._lock = threading.Lock()

    def take(self, event: Event) -> None:
        """Print one event of one training."""
        if isinstance(event, RunEnded) and event.result is not None:
            values = event.result.metrics.get("test", {})
            words = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            name = event.result.folder.name
            with self._lock:
                self.say(f"{name}: test {words}" if words else name)

    def show(self, done: int, total: int) -> None:
        """So many trainings are over."""
        with self._lock:
            super().take(Progress(run="", done=done, total=total, text=f"{done} of {total} trained"))


def comparison_object(result: TransferComparison) -> dict[str, Any]:
    """The contents of comparison.json, and its folder."""
    return {"folder": str(result.folder), **as_plain(result.runs)}


NAMES = {"source": "source", "scratch": "from scratch", "transfer": "transferred"}


def comparison_text(result: TransferComparison) -> str:
    """One row per start: mean ± standard deviation of the test and validation figures."""
    columns = [
        (part, name)
        for part in ("test", "validation")
        for name in dict.fromkeys(key for parts in result.summary.values() for key in parts.get(part, {}))
    ]
    lines = [("", "runs", *(f"{part} {name}" for part, name in columns))]
    for start, parts in result.summary.items():
        count = sum(run.start == start for run in result.runs)
        cells = [
            f"{spread.mean:.4f} ± {spread.sd:.4f}" if (spread := parts.get(part, {}).get(name)) else ""
            for part, name in columns
        ]
        lines.append((NAMES[start], str(count), *cells))
    text = [
        table(lines, right=range(1, len(columns) + 2)),
        verdict(result, fractions=True),
        _gain(result),
        f"Written to {result.folder}",
    ]
    return "\n".join(line for line in text if line)


def _gain(result: TransferComparison) -> str:
    """The transfer's mean advantage, and the number of seeds with an advantage."""
    pairs = [
        (
            next(run.metrics["test"] for run in result.runs if (run.seed, run.start) == (seed, "transfer")),
            next(run.metrics["test"] for run in result.runs if (run.seed, run.start) == (seed, "scratch")),
        )
        for seed in dict.fromkeys(run.seed for run in result.runs)
    ]
    if not all("accuracy" in figures for pair in pairs for figures in pair):
        return ""
    gains = [ours["accuracy"] - scratch["accuracy"] for ours, scratch in pairs]
    better = sum(gain > 0 for gain in gains)
    return (
        f"Transferred against from scratch: {sum(gains) / len(gains):+.4f} test accuracy; "
        f"better in {better} of {count_of(len(gains), 'seed')}."
    )


def library_object(result: Library) -> dict[str, Any]:
    """The models as plain JSON data."""
    rows = [
        {
            "name": entry.name,
            "path": str(entry.path),
            "kind": entry.kind,
            "task": entry.task,
            "classes": list(entry.classes),
            "accuracy": entry.accuracy,
            "val_accuracy": entry.val_accuracy,
            "parameters": entry.parameters,
            "when": entry.when,
            "fingerprint": entry.fingerprint,
            "layers": [asdict(item) for item in entry.layers],
        }
        for entry in result.entries
    ]
    return {"models": rows, "notes": list(result.notes)}


def library_text(result: Library) -> str:
    """One row per model, newest first."""
    lines = [("model", "name", "task", "test accuracy", "fingerprint", "layers")]
    for entry in result.entries:
        accuracy = "" if entry.accuracy is None else f"{entry.accuracy:.4f}"
        kinds = [item.kind for item in entry.layers]
        words = {"own": "own", "clone": "cloned", "share": "shared"}
        layers = ", ".join(f"{kinds.count(kind)} {word}" for kind, word in words.items() if kind in kinds)
        lines.append((entry.path.name, entry.name, entry.task, accuracy, entry.fingerprint, layers))
    text = table(lines, right=(3,)) if result.entries else "There is no trained model."
    return "\n".join([text, *result.notes])


def diff_object(result: ModelComparison) -> dict[str, Any]:
    """The comparison as plain JSON data."""
    return asdict(result)


def diff_text(result: ModelComparison) -> str:
    """The layers side by side, then options and figures."""
    lines = [("first", "second", "weights", "options that differ")]
    for row in result.layers:
        same = "" if row.same_weights is None else "equal" if row.same_weights else "differ"
        options = ", ".join(
            f"{item.path} {_short(item.first)} / {_short(item.second)}" for item in row.differences if item.path != "id"
        )
        lines.append((row.first or "-", row.second or "-", same, options))
    text = [table(lines), f"weights: {'equal in every layer' if result.same_weights else 'not all equal'}"]
    text += [f"{item.path}: {_short(item.first)} / {_short(item.second)}" for item in result.options]
    if result.figures is not None:
        first, second = result.figures
        text += [f"test {name}: {first[name]:.4f} / {second[name]:.4f}" for name in first if name in second]
    return "\n".join([*text, result.note] if result.note else text)


def _short(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
