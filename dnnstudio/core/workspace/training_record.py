"""Facts of a training that the experiment does not contain: resolved loss and metric, steps per epoch, last stage,
final rate scale. Stored in metrics.json and in model files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dnnstudio.core.experiment.targets.losses import LossName

KEY = "trained_with"
"""Key in metrics.json and in the metadata of a model file."""


class TrainedWith(BaseModel):
    """The loss and metric that "auto" resolved to, the steps per epoch, and the last trained stage (from 0).

    `rate_scale` is the factor on the schedule's rates at the end, set by hand or by a plateau. `target_std` is the
    deviation by which the target was standardized, None where it was not.
    """

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    loss: LossName
    metric: Literal["accuracy", "mae"]
    steps_per_epoch: int = Field(ge=1, le=10**9)
    stage: int = Field(0, ge=0, le=10**6)
    rate_scale: float = Field(1.0, gt=0)
    target_std: float | None = Field(None, gt=0)

    def plain(self) -> dict[str, Any]:
        """As plain JSON data, which `read` accepts."""
        return {KEY: self.model_dump(exclude_none=True)}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self | None:
        """The record in `plain` under its key; None if it is missing or invalid, as in another program's file."""
        try:
            return cls.model_validate(plain[KEY])
        except (KeyError, ValidationError):
            return None
