"""What the library says where nothing can be chosen, and what it offers there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QPushButton

from dnnstudio.gui.library.dialog import LibraryDialog
from dnnstudio.gui.theme import cure_of, reason_of

from .conftest import Shell
from .test_library import opened, settled


def said(dialog: LibraryDialog, name: str) -> tuple[str, str]:
    cure = cure_of(dialog.buttons[name])
    return reason_of(dialog.buttons[name]), "" if cure is None else cure.text


def cured(dialog: LibraryDialog, name: str) -> None:
    cure = cure_of(dialog.buttons[name])
    assert cure is not None
    cure.deed()


def test_an_empty_library_says_that_there_is_no_model_and_offers_training_and_a_file(
    qtbot: Any, shell: Shell, workspace: Path
) -> None:
    shutil.rmtree(workspace / "runs")
    dialog = opened(qtbot, shell)
    assert said(dialog, "open") == ("There is no trained model in this workspace yet.", "Train")
    assert said(dialog, "compare") == ("There is no trained model in this workspace yet.", "Add file…")
    for name in ("library_train", "library_add_first"):
        button = dialog.findChild(QPushButton, name)
        assert button is not None and button.isVisible()
    trained: list[bool] = []
    shell.actions_["train"].triggered.connect(lambda: trained.append(True))
    cured(dialog, "open")
    assert len(trained) == 1
    shell.actions_.set_reason("train", "Something is missing.")
    cured(dialog, "open")
    assert len(trained) == 1 and "Something is missing." in dialog.messages.message()
    with qtbot.waitSignal(dialog.add_requested):
        cured(dialog, "compare")


def test_while_the_models_are_read_none_is_said_to_be_missing(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    dialog.set_entries(())
    dialog.set_busy("Reading the models …")
    assert said(dialog, "open") == ("The models are being read.", "")
    assert dialog.ways.isHidden()


def test_where_there_are_models_the_first_ones_can_be_chosen(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    assert dialog.ways.isHidden()
    assert said(dialog, "open") == ("Choose one model in the table.", "Choose the first")
    cured(dialog, "compare")
    assert len(dialog.chosen()) == 2 and dialog.buttons["compare"].isEnabled()
    cured(dialog, "open")
    assert len(dialog.chosen()) == 1 and dialog.buttons["open"].isEnabled()
    dialog.search.setText("no such model")
    assert said(dialog, "open") == ("No model mentions all of these words.", "Show all")
    cured(dialog, "open")
    assert dialog.shown.rowCount() == 3
    for name in ("0001 Wide", "0002 Narrow"):
        shutil.rmtree(workspace / "runs" / name)
    shell.library.refresh()
    settled(qtbot, shell)
    assert said(dialog, "compare") == ("There is one model alone, and none to compare it with.", "Add file…")
