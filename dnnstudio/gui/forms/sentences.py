"""Display texts of values in experiment files."""

from __future__ import annotations

from dnnstudio.core.experiment.layers import activation_label
from dnnstudio.core.experiment.targets.losses import LOSSES

_WORDS = {
    "auto": "Automatic",
    "none": "None",
    "unit": "0…1",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "loss": "Training loss",
    "fan_avg": "Fan average",
    **{name: loss.title for name, loss in LOSSES.items()},
}


def choice_label(value: object) -> str:
    """The label of a choice: "ELU" for elu, "Truncated normal" for truncated_normal."""
    text = str(value)
    if text in _WORDS:
        return _WORDS[text]
    label = activation_label(text)
    return label[:1].upper() + label[1:]
