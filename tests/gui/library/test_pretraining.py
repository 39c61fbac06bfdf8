"""Pretraining in the window: its form, reconstructions, and the classifier on the encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.layers import Dropout
from dnnstudio.core.experiment.transfer import Autoencoder, Rotation
from dnnstudio.core.jobs.requests import Reconstruct
from dnnstudio.core.jobs.results import Reconstructions
from dnnstudio.core.planning.pretraining import pretraining_experiment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.forms.editors import ChoiceEditor
from dnnstudio.gui.panels.pretraining_form import PretrainingForm, encoder_ends
from dnnstudio.gui.pretraining import ReconstructionsWindow
from dnnstudio.gui.pretraining.pairs import PairsView
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme

from ..fake_reuse import ROWS
from ..window_kit import submitted, train_to_the_end
from .conftest import store
from .networks import OUTPUT, WIDE

DEEP = WIDE.replaced(layers=(*WIDE.layers[:2], Dropout(id="drop", rate=0.2), OUTPUT))


@pytest.fixture
def form(qtbot: Any, qapp: QApplication) -> Iterator[PretrainingForm]:
    theme = Theme(qapp, "light")
    document = Document(DEEP)
    made = PretrainingForm(document, theme)
    document.experiment_changed.connect(lambda _: made.refresh())
    qtbot.addWidget(made)
    made.show()
    yield made
    document.deleteLater()
    theme.deleteLater()


def choose(row: Any, value: object) -> None:
    assert isinstance(row.editor, ChoiceEditor)
    row.editor.choose(value)


def test_the_encoder_may_end_at_any_hidden_layer() -> None:
    assert encoder_ends(DEEP) == ("h1", "drop")
    assert encoder_ends(DEEP.replaced(layers=DEEP.layers[:1])) == ()


def test_pretraining_is_set_by_click_and_undone_in_one_step(form: PretrainingForm) -> None:
    document = form.document
    assert form.until is None and form.rest.isHidden()
    choose(form.kind, Autoencoder)
    assert document.experiment.pretraining == Autoencoder(until="drop")
    assert document.undo_stack.count() == 1
    assert form.until is not None
    choose(form.until, "h1")
    form.rest.edited.emit("greedy", True)
    assert document.experiment.pretraining == Autoencoder(until="h1", greedy=True)
    choose(form.kind, Rotation)
    assert document.experiment.pretraining == Rotation(until="h1")
    assert form.rest.isHidden()
    choose(form.kind, None)
    assert document.experiment.pretraining is None and form.until is None
    document.undo_stack.setIndex(0)
    assert document.experiment == DEEP


def test_the_choices_follow_the_stack(form: PretrainingForm) -> None:
    choose(form.kind, Autoencoder)
    document = form.document
    document.push(document.experiment.replaced(layers=(*WIDE.layers[:2], OUTPUT)), "Remove")
    assert form.until is not None
    assert [choice.value for choice in form.until.planned.spec.choices] == ["h1"]


def test_without_a_hidden_layer_it_is_said(qtbot: Any, form: PretrainingForm) -> None:
    form.document.push(DEEP.replaced(layers=(DEEP.layers[0], OUTPUT)), "Remove")
    with qtbot.waitSignal(form.failed) as caught:
        choose(form.kind, Autoencoder)
    assert "no hidden layer" in caught.args[0].message
    assert form.document.experiment.pretraining is None
    assert isinstance(form.kind.editor, ChoiceEditor) and form.kind.editor.control.value() is None


# ------------------------------------------------------------------------------------------- reconstructions

BEFORE = WIDE.replaced(name="Draws", pretraining=Autoencoder(until="h1"))
DERIVED = pretraining_experiment(BEFORE, (8, 8))


@pytest.fixture
def pretrained(qtbot: Any, window: MainWindow, workspace: Path) -> Path:
    """The chosen run of the window: an autoencoder; the experiment that it was made from is open."""
    folder = store(workspace, 4, DERIVED, 0.0)
    window.runs.refresh()
    qtbot.waitUntil(lambda: window.runs.runs.rowCount() == 4)
    window.document.new(BEFORE)
    qtbot.waitUntil(lambda: window.document.summary is not None and window.document.summary.counts is not None)
    window.runs.select(folder)
    return folder


def opened(qtbot: Any, window: MainWindow, folder: Path) -> ReconstructionsWindow:
    window.actions_["reconstructions"].trigger()
    found = window.workbench.library.pretraining.windows.get(folder)
    assert found is not None
    qtbot.waitUntil(lambda: not found.client.busy)
    return found


def test_only_a_pretrained_run_has_reconstructions(window: MainWindow, pretrained: Path, workspace: Path) -> None:
    assert window.actions_["reconstructions"].isEnabled() and window.actions_["use_encoder"].isEnabled()
    window.runs.select(workspace / "runs" / "0001 Wide")
    assert not window.actions_["reconstructions"].isEnabled() and not window.actions_["use_encoder"].isEnabled()


def test_pages_of_originals_and_drawings(qtbot: Any, window: MainWindow, pretrained: Path) -> None:
    found = opened(qtbot, window, pretrained)
    page = found.pairs.page
    assert found.rows.text() == f"Rows 1 to {page} of 360"
    mean = np.arange(page).mean() / 100
    assert found.headline.text() == f"The mean squared error of these rows is {mean:.3g}."
    assert not found.back.isEnabled() and found.on.isEnabled()
    places = found.pairs.places()
    assert len(places) == page and all(found.pairs.rect().contains(place) for place in places)
    found.part.button("validation").click()
    qtbot.waitUntil(lambda: not found.client.busy)
    job = submitted(window, Reconstruct)[-1]
    assert (job.model, job.part, job.rows) == (pretrained, "validation", tuple(range(page)))
    found.close()
    assert len(window.workbench.library.pretraining.windows) == 0


def test_beyond_the_last_row_the_page_before_stays(qtbot: Any, window: MainWindow, pretrained: Path) -> None:
    found = opened(qtbot, window, pretrained)
    found.on.click()
    qtbot.waitUntil(lambda: not found.client.busy)
    assert f"part of {ROWS:,} rows" in found.note.text()
    assert not found.on.isEnabled() and found.rows.text().startswith("Rows 1 to")


def test_rows_that_are_no_pictures_are_drawn_as_lines(qtbot: Any, qapp: QApplication) -> None:
    theme = Theme(qapp, "dark")
    view = PairsView(theme)
    qtbot.addWidget(view)
    view.resize(view.sizeHint())
    rows = np.linspace(0, 1, 10, dtype=np.float32).reshape(2, 5)
    empty = view.grab().toImage()
    errors = np.array([0.1, 0.2], dtype=np.float32)
    view.show_pairs(Reconstructions(originals=rows, drawn=rows[::-1], errors=errors, pictures=False))
    assert view.grab().toImage() != empty
    assert view.accessibleDescription() == "Errors: 0.1, 0.2"
    theme.deleteLater()


def test_the_encoder_is_used_in_a_classifier_by_one_undo_step(qtbot: Any, window: MainWindow, pretrained: Path) -> None:
    found = opened(qtbot, window, pretrained)
    qtbot.mouseClick(found.use, Qt.MouseButton.LeftButton)
    made = window.document.experiment
    assert made.pretraining is None and made.layers == WIDE.layers and made.name == "Classifier on Draws"
    assert made.transfer is not None and made.transfer.source == str(pretrained)
    assert [(item.layer, item.source, item.mode) for item in made.transfer.reuse] == [("h1", "h1", "clone")]
    assert "h1 starts as a clone of the run's layer" in window.messages.text()
    window.document.undo_stack.undo()
    assert window.document.experiment == BEFORE


def test_an_encoder_that_fits_nowhere_changes_nothing(window: MainWindow, pretrained: Path) -> None:
    other = BEFORE.replaced(layers=(WIDE.layers[0], OUTPUT))
    window.document.new(other)
    window.actions_["use_encoder"].trigger()
    assert window.document.experiment == other
    assert "Nothing can be reused" in window.messages.text()


def test_a_pretraining_ends_with_something_to_look_at(qtbot: Any, window: MainWindow) -> None:
    train = window.engine.session._train

    def leaving_a_run(job: Any, control: Any) -> Any:
        folder = store(job.folder.parents[1], 9, DERIVED, 0.0)
        job.folder.rmdir()
        folder.rename(job.folder)
        return train(job, control)

    window.engine.session._train = leaving_a_run
    window.document.new(BEFORE)
    train_to_the_end(qtbot, window, epochs=1)
    assert "Pretraining done." in window.messages.text()
    assert window.messages.bar.action.text() == "Reconstructions…"
    qtbot.mouseClick(window.messages.bar.action, Qt.MouseButton.LeftButton)
    assert len(window.workbench.library.pretraining.windows) == 1
