"""What a training had that its experiment does not say: what its data decided, and where it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

KEY = "trained_with"
"""Key in metrics.json and in what a model file keeps beside the network."""


class TrainedWith(BaseModel):
    """The loss and metric that "auto" stood for, the steps of an epoch, and the stage that was trained last (from 0).

    `rate_scale` is what the schedule's rates were multiplied by at the end: by hand, or by a plateau.
    """

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    loss: Literal[
        "sparse_categorical_crossentropy", "binary_crossentropy", "mean_squared_error", "mean_absolute_error", "huber"
    ]
    metric: Literal["accuracy", "mae"]
    steps_per_epoch: int = Field(ge=1, le=10**9)
    stage: int = Field(0, ge=0, le=10**6)
    rate_scale: float = Field(1.0, gt=0)

    def plain(self) -> dict[str, Any]:
        """As `read` finds it again."""
        return {KEY: self.model_dump()}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Self | None:
        """What `plain` holds under its key; None where that is missing or impossible, as in a stranger's file."""
        try:
            return cls.model_validate(plain[KEY])
        except (KeyError, ValidationError):
            return None
