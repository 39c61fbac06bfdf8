"""The networks whose runs the library's tests store."""

from __future__ import annotations

from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment

OUTPUT = Dense(id="output", units=10, activation="softmax")
WIDE = Experiment(name="Wide", layers=(Flatten(id="flatten"), Dense(id="h1", units=30, activation="relu"), OUTPUT))
NARROW = WIDE.replaced(
    name="Narrow", layers=(Flatten(id="flatten"), Dense(id="h1", units=20, activation="elu"), OUTPUT), seed=7
)
