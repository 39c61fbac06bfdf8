"""Summary of the data set: known after reading or, for a built-in set, before."""

from dataclasses import dataclass

from dnnstudio.core.experiment.data.record import Classes, Data
from dnnstudio.core.experiment.data.report import ReadingReport


@dataclass(frozen=True, slots=True)
class TargetUnit:
    """The unit of a number that is predicted: mean and population standard deviation over the training rows.

    The network learns (target − mean) / std; everything that is shown or saved is in the target's own unit.
    """

    mean: float
    std: float

    def loss_factor(self, loss: str) -> float:
        """What brings a loss (Keras's name) of standardized targets to the target's own unit.

        The absolute error grows with the unit; the squared error, and Huber's with its bend at `std`, with its square.
        """
        return self.std if loss == "mean_absolute_error" else self.std**2


@dataclass(frozen=True, slots=True)
class DataSummary:
    """Summary of the data, known after reading it (or, for a built-in set, before).

    `counts` holds the numbers of training, validation and test rows; `class_counts` the training rows of each class, in
    order. `classes` is 0 for regression and 2 for a binary task.
    """

    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    binary: bool
    counts: tuple[int, int, int] | None = None
    class_counts: tuple[int, ...] = ()
    origin: str = ""
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    """Notes for the user: files left out, columns without variation."""
    report: ReadingReport | None = None
    """How the files were understood, where they are many: folders of pictures."""
    target_unit: TargetUnit | None = None
    """The unit that the target is standardized by; None for classes, and where it is learnt as it is stored."""

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def majority(self) -> int | None:
        """The most frequent class of the training rows, the first of several; None where that is not known."""
        return self.class_counts.index(max(self.class_counts)) if self.class_counts else None

    @property
    def outputs(self) -> int:
        """Units required in the last layer: one for a binary task or regression, else one per class."""
        return 1 if self.binary or not self.class_names else self.classes


def task_class_names(classes: Classes, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the task's classes after filtering and renumbering: ("not Shirt", "Shirt") for a binary task."""
    kept = tuple(range(len(names))) if classes.keep is None else classes.keep
    if classes.positive is None:
        return tuple(_name(names, label) for label in kept)
    others = [label for label in kept if label != classes.positive]
    positive = _name(names, classes.positive)
    return (_name(names, others[0]) if len(others) == 1 else f"not {positive}", positive)


def _name(names: tuple[str, ...], label: int) -> str:
    return names[label] if 0 <= label < len(names) else str(label)


def known_summary(data: Data) -> DataSummary | None:
    """The summary of the data as far as it is known without reading; None for files."""
    if data.source.shape is None:
        return None
    return DataSummary(
        input_shape=data.source.shape,
        class_names=task_class_names(data.classes, data.source.class_names),
        binary=data.classes.positive is not None,
    )
