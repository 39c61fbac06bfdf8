"""A schedule of the experiment as the Keras object that a saved model carries.

The program's own loop is fed the same formula's numbers from numpy; a test holds the two side by side. A notebook that
opens a file with a schedule that Keras has not got imports this module first; Keras finds the class by its name.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.keras_schedules import keras_schedule
from dnnstudio.core.schedules import AnySchedule, Plan, Schedule
from dnnstudio.engine.layers import PACKAGE
from dnnstudio.engine.runtime import keras

_SCHEDULES: TypeAdapter[Any] = TypeAdapter(AnySchedule)


@keras.saving.register_keras_serializable(package=PACKAGE)
class ScheduledRate(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The learning rate at each optimizer step by the formula of `core.schedules`, evaluated in float64 in the graph.

    `schedule` is an entry of an experiment file: {"kind": "power", "s": 20.0}. It counts the optimizer's own steps,
    so it goes on where it was when an optimizer's state is restored.
    """

    def __init__(
        self,
        schedule: Schedule | dict[str, Any],
        learning_rate: float,
        steps_per_epoch: int,
        epochs: int,
        name: str = "ScheduledRate",
    ) -> None:
        super().__init__()
        self.name = name
        try:
            # As JSON, in which a list may stand for a tuple.
            self.schedule: Schedule = (
                schedule if isinstance(schedule, Schedule) else _SCHEDULES.validate_json(json.dumps(schedule))
            )
        except ValidationError as error:
            raise UserError("The file holds an impossible learning-rate schedule.", str(error)) from None
        self.plan = Plan(float(learning_rate), int(steps_per_epoch), int(epochs))

    def __call__(self, step: Any) -> Any:
        """The rate of a step, counted from 0, as a float32 scalar."""
        # Steps are whole numbers beyond float32's 2^24, and a power of a rounded base is off by much more.
        exact = keras.ops.cast(step, "float64")
        rate = self.schedule.warmed_rate(exact, self.plan, keras.ops)
        return keras.ops.cast(rate, keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor as plain JSON."""
        return {
            "schedule": self.schedule.model_dump(mode="json"),
            "learning_rate": self.plan.learning_rate,
            "steps_per_epoch": self.plan.steps_per_epoch,
            "epochs": self.plan.epochs,
            "name": self.name,
        }


def keras_rate(schedule: Schedule, plan: Plan) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """What a Keras optimizer takes as its learning rate: a number, or the schedule as a function of the step.

    Keras's own class wherever it has one, so that what is saved opens without this program; else a `ScheduledRate`. The
    performance schedule is a number, which Keras's callback ReduceLROnPlateau then lowers: a schedule object and that
    callback exclude each other.
    """
    if schedule.is_number:
        return plan.learning_rate
    named = keras_schedule(schedule, plan)
    if named is None:
        return ScheduledRate(schedule, plan.learning_rate, plan.steps_per_epoch, plan.epochs)
    return getattr(keras.optimizers.schedules, named.name)(**named.arguments)
