"""What a person reads for the values that stand in a file."""

from __future__ import annotations

from dnnstudio.core.layers import activation_label

_WORDS = {
    "auto": "Automatic",
    "none": "None",
    "unit": "0…1",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "loss": "Training loss",
    "fan_avg": "Fan average",
    "sparse_categorical_crossentropy": "Cross-entropy",
    "binary_crossentropy": "Binary cross-entropy",
}


def choice_label(value: object) -> str:
    """The label of a choice: "ELU" for elu, "Truncated normal" for truncated_normal."""
    text = str(value)
    if text in _WORDS:
        return _WORDS[text]
    label = activation_label(text)
    return label[:1].upper() + label[1:]
