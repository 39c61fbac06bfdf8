"""How the commands print: tables that another program can read too, and the progress of a training."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import BatchesDone, DataPreview, EpochDone, Event, RunEnded, RunStarted
from dnnstudio.core.jobs import Progress as JobProgress
from dnnstudio.core.layers import AnyLayer, Shape, times
from dnnstudio.core.summary import summary_table

FIGURES = (
    ("loss", "loss"),
    ("accuracy", "accuracy"),
    ("val_loss", "val loss"),
    ("val_accuracy", "val accuracy"),
)


def table(rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows as aligned columns, two spaces apart; the first row is the heading. Columns in `right` end flush."""
    lines = [tuple(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    flush = set(right)

    def cell(text: str, column: int) -> str:
        return text.rjust(widths[column]) if column in flush else text.ljust(widths[column])

    return "\n".join("  ".join(cell(text, column) for column, text in enumerate(line)).rstrip() for line in lines)


def figures(values: dict[str, float]) -> str:
    """loss 0.3123, accuracy 0.9120."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in values.items())


class _Remaining(ProgressColumn):
    """The engine's own estimate, which knows of validation and of epochs that were slower."""

    def render(self, task: Task) -> Text:
        seconds = task.fields.get("seconds_left")
        return Text("" if seconds is None else f"{duration(seconds)} left")


def duration(seconds: float) -> str:
    """45 s, 3 min 20 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


class ProgressPrinter:
    """Takes a job's events: a bar on a terminal, and one line an epoch everywhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            _Remaining(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("Starting", total=None, seconds_left=None)
        self._epochs = 0
        self._width = 1

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def take(self, event: Event) -> None:
        """Show one event."""
        match event:
            case RunStarted():
                self._epochs, self._width = event.epochs, len(str(event.epochs))
                done = event.first_epoch * event.steps_per_epoch
                total = event.epochs * event.steps_per_epoch
                self._progress.update(self._task, description="Training", total=total, completed=done)
                if event.note:
                    self._console.print(event.note)
            case BatchesDone() if len(event.steps):
                self._progress.update(
                    self._task,
                    description=f"Epoch {event.epoch}/{self._epochs}",
                    completed=int(event.steps[-1]) + 1,
                    seconds_left=event.seconds_left,
                )
            case EpochDone():
                self.epoch_done(event)
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
        """One line for the epoch."""
        self.say(self._epoch_line(event))

    def _epoch_line(self, event: EpochDone) -> str:
        row = event.row
        words = [f"epoch {int(row['epoch']):>{self._width}}/{self._epochs}"]
        words += [f"{label} {row[key]:.4f}" for key, label in FIGURES if key in row]
        words += [f"{row['seconds']:.1f} s"] if "seconds" in row else []
        return "  ".join(words) + ("  best so far" if event.is_best else "")


def layer_table(network: Experiment | Sequence[AnyLayer], input_shape: Shape) -> str:
    """The stack with shapes and counts, and the totals underneath."""
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
    """What is known of a data set that was read, for `data --json`.

    `whole` counts all rows of the source, before any split or filter; otherwise the parts of the experiment's task.
    """
    summary = preview.summary
    train, validation, test = summary.counts or (0, 0, 0)
    rows = {"train": train + validation} if whole else {"train": train, "validation": validation}
    names, counts = summary.class_names, summary.class_counts
    if whole:
        names, counts = preview.label_names, preview.label_counts
    return {
        "found": summary.origin,
        "shape": list(summary.input_shape),
        "rows": rows | {"test": test},
        "class_counts": dict(zip(names, counts, strict=True)),
        "notes": list(summary.notes),
    }


def data_text(preview: DataPreview, *, whole: bool) -> str:
    """The same for a person."""
    found = data_object(preview, whole=whole)
    rows = ", ".join(f"{name} {count:,}" for name, count in found["rows"].items())
    head = [found["found"], *found["notes"], f"row: {times(preview.summary.input_shape)}", f"rows: {rows}"]
    classes = [("class", "rows" if whole else "training rows")]
    classes += [(name, f"{count:,}") for name, count in found["class_counts"].items()]
    return "\n".join([*head, table(classes, right=(1,))] if found["class_counts"] else head)


@contextlib.contextmanager
def without_greetings() -> Iterator[None]:
    """Hold back what TensorFlow's C++ side says on stderr while it is loaded; it is shown only if that fails."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
