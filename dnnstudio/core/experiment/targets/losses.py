"""The table of losses, read by the file format, the checks, the training, the script export and the window."""

from dataclasses import dataclass
from typing import Literal

Task = Literal["classes", "binary", "number"]
"""The task: one of several classes (one unit each), yes or no (a single unit), or a number (regression)."""
LossName = Literal[
    "sparse_categorical_crossentropy", "binary_crossentropy", "mean_squared_error", "mean_absolute_error", "huber"
]
"""Keras's name of the function, which also stands in the file."""
LossChoice = Literal["auto", LossName]
"""The user's choices: "auto" stands for the loss of the task."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss: Keras's function and class, its labels in forms and plots, and the task it is for.

    `keras_class` is needed beside the function because Keras cannot restore some of them from an `.h5` file by the
    function's name alone. `activation` is the one expected in the last layer; None is linear.
    """

    name: LossName
    keras_class: str
    title: str
    caption: str
    task: Task
    activation: str | None = None

    @property
    def reads_class_numbers(self) -> bool:
        """Whether labels are class numbers, [rows], instead of a column for a single unit, [rows, 1]."""
        return self.task == "classes"


_ROWS = (
    Loss(
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        "Cross-entropy",
        "cross-entropy",
        "classes",
        "softmax",
    ),
    Loss("binary_crossentropy", "BinaryCrossentropy", "Binary cross-entropy", "cross-entropy", "binary", "sigmoid"),
    Loss("mean_squared_error", "MeanSquaredError", "Mean squared error", "mean squared error", "number"),
    Loss("mean_absolute_error", "MeanAbsoluteError", "Mean absolute error", "mean absolute error", "number"),
    Loss("huber", "Huber", "Huber", "Huber loss", "number"),
)
LOSSES: dict[str, Loss] = {row.name: row for row in _ROWS}
"""Name in the file → loss, in the order of the menu; the first of a task is what "auto" stands for."""


def loss_of_task(task: Task) -> Loss:
    """The loss that "auto" resolves to: the first one in the table for the task."""
    return next(loss for loss in LOSSES.values() if loss.task == task)
