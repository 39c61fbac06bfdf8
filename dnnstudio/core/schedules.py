"""Learning-rate schedules as plain functions of the step: the preview, the training and the script all read these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator

from dnnstudio.core.options import Option

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a schedule may know of the training: the optimizer's rate and how long it goes on."""

    learning_rate: float
    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.steps_per_epoch * self.epochs


class Schedule(Option):
    """How the learning rate changes. Exactly one is active."""

    def rates(self, steps: NDArray[np.int64], plan: Plan) -> Floats:
        """The learning rate of each optimizer step in `steps`, counted from 0."""
        raise NotImplementedError


class Constant(Schedule):
    kind: Literal["constant"] = "constant"
    label = "Constant"
    help = "The optimizer's learning rate from the first step to the last."

    def rates(self, steps: NDArray[np.int64], plan: Plan) -> Floats:
        return np.full(len(steps), plan.learning_rate)


AnySchedule = Annotated[Constant, Discriminator("kind")]
SCHEDULE_KINDS: dict[str, type[Schedule]] = {
    kind.model_fields["kind"].default: kind for kind in (get_args(get_args(AnySchedule)[0]) or (Constant,))
}
