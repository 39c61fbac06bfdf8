"""What a pretraining trains beside the stack: cards of the added layers, and of those that it leaves out."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from dnnstudio.core.experiment.transfer import Autoencoder, Rotation
from dnnstudio.core.planning.pretraining import pretraining_experiment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.stack.rows import make_rows


def said(view: LayerStackView) -> list[tuple[str, str, str]]:
    return [(row.layer.id, row.parameters, row.output) for row in view.added.layers.rows]


def test_an_autoencoder_s_mirrored_layers_have_cards(document: Document, view: LayerStackView) -> None:
    """By hand: 64 → 300 → 100 is mirrored as 100 → 300 → 64."""
    assert view.added.isHidden()
    document.push(document.experiment.replaced(pretraining=Autoencoder(until="hidden_2")), "Pretrain")
    assert not view.added.isHidden()
    assert said(view) == [
        ("decoder_2", f"{100 * 300 + 300:,}", "→ 300"),
        ("decoder_1", f"{300 * 64 + 64:,}", "→ 64"),
        ("decoder_1_shape", "0", "→ 8 × 8"),
    ]
    frozen = 300 * 100 + 100
    assert view.trainable.text() == f"{64 * 300 + 300 + 100 * 300 + 300 + 300 * 64 + 64:,}"
    assert view.non_trainable.text() == f"{frozen:,}"
    document.undo_stack.undo()
    assert view.added.isHidden()


@pytest.mark.parametrize("rule", [Autoencoder(until="hidden_1"), Rotation(until="hidden_1")])
def test_the_cards_are_those_of_the_network_that_is_trained(
    document: Document, view: LayerStackView, rule: Autoencoder | Rotation
) -> None:
    document.push(document.experiment.replaced(pretraining=rule), "Pretrain")
    trained = pretraining_experiment(document.experiment, (8, 8))
    used = [row.layer.id for row in make_rows(document) if row.is_used]
    assert used == ["flatten", "hidden_1"]
    assert [*used, *(row.layer.id for row in view.added.layers.rows)] == [layer.id for layer in trained.active_layers]
    left_out = make_rows(document)[-1]
    assert left_out.caption.startswith("not in the pretraining · ")
    assert "leaves it out" in left_out.tooltip


def test_added_cards_are_named_and_cannot_be_edited(document: Document, view: LayerStackView) -> None:
    QAbstractItemModelTester(view.added.layers, QAbstractItemModelTester.FailureReportingMode.Fatal)
    document.push(document.experiment.replaced(pretraining=Autoencoder(until="hidden_1")), "Pretrain")
    index = view.added.layers.index(0)
    assert view.added.layers.flags(index) == Qt.ItemFlag.ItemIsEnabled
    words = str(index.data(Qt.ItemDataRole.AccessibleTextRole))
    assert words.startswith("decoder_1, ") and "is trained in the pretraining only" in words
    assert view.added.layers.rowCount(QModelIndex()) == 2
    assert not view.grab().isNull()


def test_the_line_above_an_autoencoder_has_no_button_for_reused_layers(view: LayerStackView) -> None:
    view.set_start("Reconstructs its input · 2 mirrored layers", reused=False)
    assert not view.start.isHidden() and view.start.edit.isHidden()
    view.set_start("Starts from run 9 · 3 cloned")
    assert not view.start.edit.isHidden()
