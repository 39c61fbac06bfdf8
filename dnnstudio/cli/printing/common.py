"""Output of the commands: machine-readable tables, and the progress of a training."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from dnnstudio.core.experiment.layers import AnyLayer, Shape, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.summary_table import summary_table
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, RunEnded, RunStarted, SavingPaused
from dnnstudio.core.jobs.events import Progress as JobProgress
from dnnstudio.core.jobs.results import DataPreview
from dnnstudio.core.temporary import scratch_file
from dnnstudio.core.text import duration, figure, printable, shortened
from dnnstudio.core.uncertainty.figure_names import MAE, R2, RECALL

MOST_CLASSES = 20
"""So many classes are listed by name."""
FIGURES = (
    ("loss", "loss"),
    ("accuracy", "accuracy"),
    ("val_loss", "val loss"),
    ("val_accuracy", "val accuracy"),
    ("mae", "MAE"),
    ("val_mae", "val MAE"),
    (f"val_{R2}", "val R²"),
)


def table(rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows as aligned columns, two spaces apart; the first row is the heading. Columns in `right` are right-aligned."""
    lines = [tuple(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    flush = set(right)

    def cell(text: str, column: int) -> str:
        return text.rjust(widths[column]) if column in flush else text.ljust(widths[column])

    return "\n".join("  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines)


def figures(values: dict[str, float]) -> str:
    """ "loss 0.3123, accuracy 0.9120"; the recall of each class in a line below."""
    recalls = {name.removeprefix(RECALL): value for name, value in values.items() if name.startswith(RECALL)}
    # The mean absolute error stands there twice: under the name that version 0.1.0 gave it, too.
    shown = {name: value for name, value in values.items() if name != MAE and not name.startswith(RECALL)}
    line = ", ".join(f"{name.replace('_', ' ')} {shown_figure(value)}" for name, value in shown.items())
    found = ", ".join(f"{shown_name(name)} {value:.4f}" for name, value in list(recalls.items())[:MOST_CLASSES])
    more = f" and {len(recalls) - MOST_CLASSES:,} more classes" if len(recalls) > MOST_CLASSES else ""
    return f"{line}\n  recall: {found}{more}" if found else line


def shown_figure(value: float) -> str:
    """Four decimals, so that figures of several lines stand below each other; from a thousand on as everywhere."""
    return f"{value:.4f}" if abs(value) < 1000 else figure(value)


def shown_name(name: str) -> str:
    """A name from the user's data on one line of a terminal: nothing in it may move the cursor or fill the screen."""
    return printable(shortened(name))


class _Remaining(ProgressColumn):
    """Time left by the engine's own estimate, which includes validation and slower epochs."""

    def render(self, task: Task) -> Text:
        seconds = task.fields.get("seconds_left")
        return Text("" if seconds is None else f"{duration(seconds)} left")


def plain_console(*, to_stderr: bool = False) -> Console:
    """The stream for progress: standard output, or standard error if standard output is reserved for a JSON object."""
    return Console(highlight=False, soft_wrap=True, stderr=to_stderr)


class ProgressPrinter:
    """Prints a job's events: a bar on a terminal, and one line per epoch everywhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or plain_console()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),  # names of files may hold brackets
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            _Remaining(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("Starting", total=None, seconds_left=None)
        self._epochs = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def take(self, event: Event) -> None:
        """Print one event."""
        match event:
            case RunStarted():
                self._epochs = event.epochs
                done = event.first_epoch * event.steps_per_epoch
                total = event.epochs * event.steps_per_epoch
                self._progress.update(self._task, description="Training", total=total, completed=done)
                if event.note:
                    self.say(event.note)
            case BatchesDone() if len(event.steps):
                self._progress.update(
                    self._task,
                    description=f"Epoch {event.epoch}/{self._epochs}",
                    completed=int(event.steps[-1]) + 1,
                    seconds_left=event.seconds_left,
                )
            case EpochDone():
                self.epoch_done(event)
            case SavingPaused():
                self.say(printable(event.sentence))
            case JobProgress():
                self._progress.update(
                    self._task, description=event.text or "Working", total=event.total or None, completed=event.done
                )
            case RunEnded():
                self._progress.update(self._task, description="Writing", seconds_left=None)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False)

    def epoch_done(self, event: EpochDone) -> None:
        """Print one line for the epoch."""
        self.say(epoch_line(event, self._epochs))


def epoch_line(event: EpochDone, epochs: int) -> str:
    """The figures of an epoch, of `epochs` in all."""
    row = event.row
    words = [f"epoch {int(row['epoch']):>{len(str(epochs))}}/{epochs}"]
    words += [f"{label} {shown_figure(row[key])}" for key, label in FIGURES if key in row]
    words += [f"{row['seconds']:.1f} s"] if "seconds" in row else []
    return "  ".join(words) + ("  best so far" if event.is_best else "")


def layer_table(network: Experiment | Sequence[AnyLayer], input_shape: Shape) -> str:
    """The stack with shapes and counts, followed by the totals."""
    summary = summary_table(network, input_shape)
    lines = [("layer", "kind", "output shape", "parameters", "trainable", "")]
    for row in summary.rows:
        shape = "does not fit" if row.output_shape is None else times(row.output_shape)
        note = row.error or ", ".join(word for word, said in (("off", not row.enabled), ("frozen", row.frozen)) if said)
        lines.append((row.id, row.label, shape, f"{row.count:,}", f"{row.trainable:,}", note))
    totals = [
        ("parameters", f"{summary.count:,}"),
        ("trainable", f"{summary.trainable:,}"),
        ("non-trainable", f"{summary.non_trainable:,}"),
    ]
    return f"input {times(input_shape)}\n{table(lines, right=(3, 4))}\n\n{table(totals, right=(1,))}"


def data_object(preview: DataPreview, *, whole: bool) -> dict[str, Any]:
    """The description of a data set for `data --json`.

    `whole` counts all rows of the source, before any split or filter; otherwise the parts of the experiment's task.
    """
    summary = preview.summary
    train, validation, test = summary.counts or (0, 0, 0)
    rows = {"train": train + validation} if whole else {"train": train, "validation": validation}
    names, counts = summary.class_names, summary.class_counts
    if whole:
        names, counts = preview.label_names, preview.label_counts
    found = {
        "found": summary.origin,
        "shape": list(summary.input_shape),
        "rows": rows | {"test": test},
        "class_counts": dict(zip(names, counts, strict=True)),
        "notes": list(summary.notes),
    }
    return found if summary.report is None else found | {"report": asdict(summary.report)}


def data_text(preview: DataPreview, *, whole: bool) -> str:
    """The description of a data set as text."""
    found = data_object(preview, whole=whole)
    rows = ", ".join(f"{name} {count:,}" for name, count in found["rows"].items())
    layout = [] if preview.summary.report is None else [preview.summary.report.layout]
    head = [found["found"], *layout, *found["notes"], f"row: {times(preview.summary.input_shape)}", f"rows: {rows}"]
    classes = [("class", "rows" if whole else "training rows")]
    classes += [(shown_name(name), f"{count:,}") for name, count in found["class_counts"].items()]
    return "\n".join([*head, table(classes, right=(1,))] if found["class_counts"] else head)


@contextlib.contextmanager
def without_greetings() -> Iterator[None]:
    """Suppress TensorFlow's native output on stderr while it is imported, and show it only if the import fails."""
    kept = os.dup(2)
    with scratch_file() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except Exception:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
