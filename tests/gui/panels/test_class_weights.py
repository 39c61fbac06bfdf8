"""The class weights in the tab Training: off, balanced, and own with a line a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights, ClassWeight, OwnWeights
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.training_panel import TrainingPanel
from dnnstudio.gui.theme import Theme

SUMMARY = DataSummary((64,), ("cat", "dog"), binary=True, counts=(400, 100, 100), class_counts=(300, 100))


@pytest.fixture
def panel(qtbot: Any, qapp: QApplication) -> Iterator[TrainingPanel]:
    theme = Theme(qapp, "light")
    theme.apply()
    document = Document(load_recipe("digits").experiment)
    made = TrainingPanel(document, theme)
    qtbot.addWidget(made)
    made.show()
    yield made
    for thing in (document, theme):
        thing.deleteLater()


def weigh(document: Document, rule: object) -> None:
    document.push(edits.set_value(document.experiment, "training.class_weight", rule), "Weigh")


def test_the_table_is_there_for_own_weights_alone(panel: TrainingPanel) -> None:
    document = panel._document
    assert panel.class_weights.isHidden()
    weigh(document, BalancedWeights())
    assert panel.class_weights.isHidden()
    weigh(document, OwnWeights())
    assert not panel.class_weights.isHidden()
    assert len(panel.class_weights.lines) == 10
    assert panel.class_weights.fill.isHidden()  # how many rows each class has is not known before reading
    panel.class_weights.show_weights(OwnWeights(), None)
    assert "when the data has been read" in panel.class_weights.note.text() and not panel.class_weights.lines


def test_a_weight_is_an_edit_and_balanced_ones_are_filled_in(panel: TrainingPanel) -> None:
    document, table = panel._document, panel.class_weights
    weigh(document, OwnWeights())
    table.show_weights(OwnWeights(), SUMMARY)
    table.lines[1].weight.committed.emit(2.5)
    assert document.experiment.training.class_weight == OwnWeights(weights=(ClassWeight(name="dog", weight=2.5),))
    table.show_weights(OwnWeights(), SUMMARY)
    table.fill.click()
    rule = document.experiment.training.class_weight
    assert isinstance(rule, OwnWeights)
    assert [(item.name, item.weight) for item in rule.weights] == [("cat", 0.6667), ("dog", 2.0)]
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.experiment.training.class_weight == OwnWeights()
