"""A stack of five layers in a window of its own."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.theme import Theme


@pytest.fixture
def document(qtbot: QtBot) -> Document:
    layers = (
        Flatten(id="flatten"),
        Dense(id="hidden_1", units=300, activation="relu", kernel_initializer={"kind": "he_normal"}),
        Dropout(id="drop", rate=0.2, monte_carlo=True),
        Dense(id="hidden_2", units=100, activation="relu", kernel_initializer={"kind": "he_normal"}, trainable=False),
        Dense(id="output", units=10, activation="softmax"),
    )
    return Document(Experiment(data=Data(source=Digits()), layers=layers))


@pytest.fixture
def view(qtbot: QtBot, document: Document, theme: Theme) -> LayerStackView:
    view = LayerStackView(document, theme)
    qtbot.addWidget(view)
    view.resize(344, 600)
    view.show()
    qtbot.waitExposed(view)
    return view
