"""Unsaved edits are kept while one works, and come back after an unexpected end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import moment_text
from dnnstudio.gui.base.autosave_files import SUFFIX, Unsaved, find_unsaved, keep
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window, set_epochs


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        yield made


def kept(window: MainWindow) -> Experiment | None:
    """What would be found if the program ended now."""
    file = window.workbench.autosave.file
    if not file.exists():
        return None
    gone = file.with_name(f"1-1{SUFFIX}")
    gone.write_bytes(file.read_bytes())
    (found,) = find_unsaved(file.parent)
    gone.unlink()
    return found.experiment


def leave(window: MainWindow, experiment: Experiment, path: Path | None = None, tries: int = 0) -> Path:
    file = window.workbench.autosave.folder / f"1-1{SUFFIX}"
    keep(file, experiment, path, tries)
    return file


def test_an_edit_is_kept_within_two_seconds_and_forgotten_when_it_is_undone_or_saved(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    set_epochs(window, 7)
    qtbot.waitUntil(lambda: kept(window) == window.document.experiment)
    window.document.undo_stack.undo()
    assert not window.workbench.autosave.file.exists()
    set_epochs(window, 8)
    window.workbench.autosave.keep_now()
    window.document.save(tmp_path / "saved.json")
    assert not window.workbench.autosave.file.exists()


def test_recovered_edits_are_not_saved_yet_and_undo_leads_back_to_the_file(window: MainWindow, tmp_path: Path) -> None:
    saved = load_recipe("dropout").experiment
    codec.save(saved, tmp_path / "mine.json")
    file = leave(window, saved.replaced(name="edited"), tmp_path / "mine.json")
    window.workbench.dialogs.recover_answer = "recover"
    window.workbench.autosave.offer()
    document = window.document
    said = window.messages.text()
    assert "The edits of edited are back." in said and "undo leads back to mine.json" in said, "no welcome any more"
    assert (document.experiment.name, document.path, document.modified) == ("edited", tmp_path / "mine.json", True)
    assert not file.exists()
    assert kept(window) == document.experiment, "a second unexpected end loses nothing"
    document.undo_stack.undo()
    assert document.experiment == saved
    assert not document.modified


@pytest.mark.parametrize(("answer", "left"), [("later", True), ("discard", False)])
def test_nothing_is_deleted_unless_the_person_says_so(window: MainWindow, answer: str, left: bool) -> None:
    before = window.document.experiment
    file = leave(window, Experiment(name="other"))
    window.workbench.dialogs.recover_answer = answer
    window.workbench.autosave.offer()
    assert window.document.experiment == before
    assert file.exists() == left


def test_recovered_edits_of_a_run_name_the_run(window: MainWindow, tmp_path: Path) -> None:
    saved = load_recipe("dropout").experiment
    (tmp_path / "0002 wine").mkdir()
    codec.save(saved, tmp_path / "0002 wine" / "experiment.json")
    leave(window, saved.replaced(name="edited"), tmp_path / "0002 wine" / "experiment.json")
    window.workbench.dialogs.recover_answer = "recover"
    window.workbench.autosave.offer()
    assert "undo leads back to 0002 wine." in window.messages.text()


def test_work_whose_file_is_gone_comes_back_all_the_same(window: MainWindow, tmp_path: Path) -> None:
    leave(window, Experiment(name="edited"), tmp_path / "gone.json")
    window.workbench.dialogs.recover_answer = "recover"
    window.workbench.autosave.offer()
    assert window.document.experiment.name == "edited"
    assert window.document.modified
    assert "gone.json" in window.messages.text() and "in no file yet" in window.messages.text()


def test_each_recovery_is_counted_so_that_a_loop_can_be_left(window: MainWindow) -> None:
    leave(window, Experiment(name="edited"), tries=1)
    window.workbench.dialogs.recover_answer = "recover"
    window.workbench.autosave.offer()
    gone = window.workbench.autosave.file.rename(window.workbench.autosave.folder / f"1-1{SUFFIX}")
    assert [item.tries for item in find_unsaved(gone.parent)] == [2]


def test_edits_that_cannot_be_kept_are_told_once(window: MainWindow) -> None:
    told: list[UserError] = []
    window.workbench.autosave.failed.connect(told.append)
    window.workbench.autosave.folder.parent.mkdir(parents=True, exist_ok=True)
    window.workbench.autosave.folder.write_text("a file where a folder is wanted")
    for epochs in (7, 8):
        set_epochs(window, epochs)
        window.workbench.autosave.keep_now()
    assert [error.message.split(":")[0] for error in told] == ["Unsaved edits cannot be kept"]


def test_closing_in_order_leaves_nothing_and_the_system_s_wish_keeps_the_edits(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    for number, wished_by_system in enumerate((False, True)):
        with open_window(qtbot, qapp, tmp_path / str(number)) as window:
            set_epochs(window, 9)
            window.workbench.autosave.keep_now()
            file = window.workbench.autosave.file
            if wished_by_system:
                window.close_without_asking()
            else:
                window.close()
            assert file.exists() == wished_by_system


def test_a_file_that_another_program_changed_is_not_saved_over_unasked(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    window.document.save(path)
    set_epochs(window, 9)
    path.write_text(codec.to_json(Experiment(name="by another program")))
    assert window.workbench.files.save() is False
    assert codec.load(path).name == "by another program"
    window.workbench.dialogs.may_overwrite = True
    assert window.workbench.files.save() is True
    assert codec.load(path).training.epochs == 9
    assert codec.load(tmp_path / "mine.json~").name == "by another program"
    set_epochs(window, 10)
    window.workbench.dialogs.may_overwrite = False
    assert window.workbench.files.save() is True, "what was saved here is no other program's change"


def test_when_is_said_in_words() -> None:
    noon = 1_763_812_800.0
    assert moment_text(noon, noon + 60).startswith("at ")
    assert moment_text(noon, noon + 3 * 86_400).startswith("on ")


def test_a_window_that_is_ended_at_a_question_asks_no_other_one(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for number in (1, 2, 3):
        keep(window.workbench.autosave.folder / f"{number}-1{SUFFIX}", Experiment(name=str(number)), None)

    def ended(_: object, unsaved: Unsaved) -> str:
        asked.append(unsaved.experiment.name)
        window.close_without_asking()
        return "later"

    monkeypatch.setattr(window.workbench.dialogs, "recover", ended)
    window.workbench.autosave.offer()
    assert len(asked) == 1
    assert len(find_unsaved(window.workbench.autosave.folder)) == 3
