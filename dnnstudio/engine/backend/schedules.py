"""An experiment's schedule as the Keras object that a saved model contains.

The training loop computes the same formula with numpy; a test compares the two. A notebook that opens a file with a
schedule that Keras lacks imports `dnnstudio.engine.schedules` first, its public name.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.schedules import AnySchedule, Plan, Schedule
from dnnstudio.core.experiment.schedules.keras_classes import keras_schedule
from dnnstudio.engine.backend.custom_layers import PACKAGE
from dnnstudio.engine.backend.runtime import keras

_SCHEDULES: TypeAdapter[Any] = TypeAdapter(AnySchedule)


@keras.saving.register_keras_serializable(package=PACKAGE)
class ScheduledRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate at each optimizer step by the formula of `core.experiment.schedules`, in float64 in the graph.

    `schedule` is an entry of an experiment file: {"kind": "power", "s": 20.0}. It counts the optimizer's own steps,
    so it goes on where it was when an optimizer's state is restored. `start` is the step at which it
    begins, where epochs were added as a cycle of their own.
    """

    __module__ = "dnnstudio.engine.schedules"  # the name in saved files, and the module a notebook imports

    def __init__(
        self,
        schedule: Schedule | dict[str, Any],
        learning_rate: float,
        steps_per_epoch: int,
        epochs: int,
        name: str = "ScheduledRate",
        start: int = 0,
    ) -> None:
        super().__init__()
        self.name = name
        try:
            # Validated as JSON, in which a list is accepted for a tuple.
            self.schedule: Schedule = (
                schedule if isinstance(schedule, Schedule) else _SCHEDULES.validate_json(json.dumps(schedule))
            )
        except ValidationError as error:
            raise UserError("The file holds an impossible learning-rate schedule.", str(error)) from None
        self.plan = Plan(float(learning_rate), int(steps_per_epoch), int(epochs))
        self.start = int(start)

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step, counted from 0, as a float32 scalar []."""
        # Steps may exceed the integers exact in float32 (2^24), and a power amplifies the rounding of its base.
        exact = keras.ops.cast(step, "float64")
        if self.start:
            exact = keras.ops.maximum(exact - self.start, 0.0)
        rate = self.schedule.warmed_rate(exact, self.plan, keras.ops)
        return keras.ops.cast(rate, keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor as plain JSON."""
        config = {
            "schedule": self.schedule.model_dump(mode="json"),
            "learning_rate": self.plan.learning_rate,
            "steps_per_epoch": self.plan.steps_per_epoch,
            "epochs": self.plan.epochs,
            "name": self.name,
        }
        return config | ({"start": self.start} if self.start else {})


def keras_rate(
    schedule: Schedule, plan: Plan, start: int = 0
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """What a Keras optimizer takes as its learning rate: a number, or the schedule as a function of the step.

    Keras's own class wherever it has one, so that what is saved opens without this program; else a `ScheduledRate`. The
    performance schedule is a number, which Keras's callback ReduceLROnPlateau then lowers: a schedule object and that
    callback exclude each other. `start` is the step at which the schedule begins.
    """
    if schedule.is_number:
        return plan.learning_rate
    named = keras_schedule(schedule, plan)
    if named is None or start:
        return ScheduledRate(schedule, plan.learning_rate, plan.steps_per_epoch, plan.epochs, start=start)
    return getattr(keras.optimizers.schedules, named.name)(**named.arguments)
