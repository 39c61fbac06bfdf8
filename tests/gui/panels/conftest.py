"""An experiment on the digits, as if they had been read."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import Data, DataSummary, Digits
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import GlorotUniform, HeNormal
from dnnstudio.gui.base.document import Document

DIGITS = DataSummary((8, 8), tuple("0123456789"), False, (1150, 287, 360), tuple(range(110, 120)), "scikit-learn", "f")


@pytest.fixture
def document(qtbot: QtBot) -> Document:
    layers = (
        Flatten(id="flatten"),
        Dense(id="hidden_1", units=30, activation="relu", kernel_initializer=HeNormal()),
        Dropout(id="drop", rate=0.2),
        Dense(id="hidden_2", units=20, activation="elu", kernel_initializer=GlorotUniform()),
        Dense(id="output", units=10, activation="softmax"),
    )
    document = Document(Experiment(data=Data(source=Digits()), layers=layers))
    document.set_summary(DIGITS)
    return document
