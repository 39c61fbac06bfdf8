"""A trained network is given dropout before its output, and starts from all its weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Activation, BatchNormalization, Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.stochastic import with_dropout

LAYERS = (
    Flatten(id="flatten"),
    Dense(id="hidden", units=8),
    BatchNormalization(id="norm"),
    Activation(id="act", activation="elu"),
    Dense(id="output", units=10),
    Activation(id="soft", activation="softmax"),
)


def test_dropout_stands_before_the_last_layer_with_weights() -> None:
    made = with_dropout(Experiment(layers=LAYERS), source=Path("/runs/7"))
    assert [layer.kind for layer in made.layers[3:6]] == ["activation", "dropout", "dense"]
    assert made.transfer is not None
    assert made.transfer.source == str(Path("/runs/7"))
    assert [(item.layer, item.source, item.mode) for item in made.transfer.reuse] == [
        (name, name, "clone") for name in ("hidden", "norm", "output")
    ]
    assert made.layers[:3] == LAYERS[:3] and made.layers[5:] == LAYERS[4:]


def test_without_a_source_the_weights_are_new() -> None:
    assert with_dropout(Experiment(layers=LAYERS), source=None).transfer is None


def test_a_network_without_weights_is_refused() -> None:
    with pytest.raises(UserError, match="no layer with weights"):
        with_dropout(Experiment(layers=(Flatten(id="flatten"),)), source=None)
