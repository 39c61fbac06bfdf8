"""The model library: what it lists, and what is done with models."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QMenu

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.jobs.requests import ListLibrary, OpenModel, SaveModel
from dnnstudio.core.uncertainty.figure_names import R2
from dnnstudio.core.workspace.catalog import Entry, LayerIdentity
from dnnstudio.gui.library import entry_delegate
from dnnstudio.gui.library.dialog import LibraryDialog
from dnnstudio.gui.library.entries_model import COLUMNS, EntriesModel
from dnnstudio.gui.library.sentences import facts_of, identity_sentence, layers_text
from dnnstudio.gui.widgets.fitted_text import fitted

from .conftest import Shell, store
from .networks import WIDE


def opened(qtbot: Any, shell: Shell) -> LibraryDialog:
    shell.actions_["library"].trigger()
    dialog = shell.library.dialog
    assert dialog is not None
    settled(qtbot, shell)
    return dialog


def settled(qtbot: Any, shell: Shell) -> None:
    qtbot.waitUntil(lambda: not shell.library.listing.busy)


def choose(dialog: LibraryDialog, *names: str) -> None:
    dialog.table.clearSelection()
    for entry in dialog.entries.entries:
        if entry.name in names:
            dialog.select(entry.path, only=False)
    assert {entry.name for entry in dialog.chosen()} == set(names)


def names(dialog: LibraryDialog) -> list[str]:
    found = (dialog.shown.entry(row) for row in range(dialog.shown.rowCount()))
    return [entry.name for entry in found if entry is not None]


def submitted(shell: Shell, kind: type) -> list[Any]:
    return [job for job in shell.engine.submitted if isinstance(job, kind)]


def press(qtbot: Any, dialog: LibraryDialog, name: str) -> None:
    assert dialog.buttons[name].isEnabled(), name
    qtbot.mouseClick(dialog.buttons[name], Qt.MouseButton.LeftButton)


def test_every_model_is_listed_newest_first_and_sorted_by_any_column(qtbot: Any, shell: Shell) -> None:
    dialog = opened(qtbot, shell)
    assert names(dialog) == ["Tuned", "Narrow", "Wide"]
    titles = [column.title for column in COLUMNS]
    dialog.table.sortByColumn(titles.index("Test"), Qt.SortOrder.AscendingOrder)
    assert names(dialog) == ["Narrow", "Wide", "Tuned"]
    dialog.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert names(dialog) == ["Wide", "Tuned", "Narrow"]
    tester = QAbstractItemModelTester(dialog.entries)
    dialog.entries.set_entries(dialog.entries.entries[:1])
    tester.deleteLater()


def test_a_model_of_numbers_is_told_by_r2_and_sorted_by_it(qtbot: Any, shell: Shell, workspace: Path) -> None:
    of_numbers = {"validation": {"loss": 0.3, "mae": 0.4, R2: 0.75}}
    for number, r2 in ((4, 0.8125), (5, 0.25)):
        store(
            workspace,
            number,
            WIDE.replaced(name=f"Prices {number}"),
            0.0,
            **of_numbers | {"test": {"loss": 0.2, R2: r2}},
        )
    dialog = opened(qtbot, shell)
    titles = [column.title for column in COLUMNS]
    dialog.table.sortByColumn(titles.index("Test"), Qt.SortOrder.DescendingOrder)
    assert names(dialog) == ["Tuned", "Wide", "Narrow", "Prices 4", "Prices 5"]
    row = [dialog.shown.index(3, place).data() for place in range(len(COLUMNS))]
    assert row[titles.index("Test")] == "R²\u00a00.8125" and row[titles.index("Validation")] == "R²\u00a00.75"
    choose(dialog, "Prices 4")
    entry = dialog.chosen()[0]
    assert ("Test R²", "0.8125") in facts_of(entry) and "Test accuracy" not in dict(facts_of(entry))


def test_models_of_one_name_are_told_apart_by_their_runs(qtbot: Any, shell: Shell, workspace: Path) -> None:
    store(workspace, 7, WIDE, 0.9)
    dialog = opened(qtbot, shell)
    said = {dialog.shown.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(4)}
    assert {words for words in said if words.startswith("Wide")} == {
        "Wide, run 1 · Digits, 10 classes",
        "Wide, run 7 · Digits, 10 classes",
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tun", ["Tuned"]),
        ("digits dense", ["Tuned", "Narrow", "Wide"]),
        ("cloned", ["Tuned"]),
        ("000000000002", ["Narrow"]),
    ],
)
def test_the_search_finds_words_of_any_kind(qtbot: Any, shell: Shell, text: str, found: list[str]) -> None:
    dialog = opened(qtbot, shell)
    dialog.search.setText(text)
    assert names(dialog) == found


def test_what_nothing_mentions_is_said(qtbot: Any, shell: Shell) -> None:
    dialog = opened(qtbot, shell)
    dialog.search.setText("convolution")
    assert dialog.table.isHidden() and "No model mentions" in dialog.empty_message.text()
    assert dialog.progress.text() == "0 of 3 models"


def test_the_chosen_model_shows_whose_layers_it_has(qtbot: Any, shell: Shell) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Tuned")
    rows = [dialog.detail.layers.topLevelItem(n) for n in range(dialog.detail.layers.topLevelItemCount())]
    assert [row.text(1) for row in rows if row] == ["cloned, changed", "own"]
    assert rows[0] is not None and "cloned from h1 of Wide, changed since" in rows[0].toolTip(0)
    assert dialog.detail.drawing.bars
    entry = dialog.chosen()[0]
    assert layers_text(entry.layers) == "1 cloned, 1 own"
    assert identity_sentence(entry.layers[1]) == "its own"


def test_a_run_is_opened_in_the_main_window(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Narrow")
    press(qtbot, dialog, "open")
    assert submitted(shell, OpenModel)[0].path == workspace / "runs" / "0002 Narrow"


def test_reusing_hands_the_place_on(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Wide")
    with qtbot.waitSignal(shell.library.reuse_requested) as caught:
        press(qtbot, dialog, "reuse")
    assert caught.args == [workspace / "runs" / "0001 Wide"]


def test_a_clone_is_listed_and_chosen(qtbot: Any, shell: Shell) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Wide")
    press(qtbot, dialog, "clone")
    settled(qtbot, shell)
    assert names(dialog)[0] == "Wide copy"
    (copy,) = dialog.chosen()
    assert copy.name == "Wide copy" and copy.fingerprint == f"{1:012x}"
    assert (copy.path / "model.keras").read_bytes() == b"a model"
    qtbot.waitUntil(lambda: shell.runs.runs.rowCount() == 4)


def test_a_model_is_renamed_everywhere(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Wide")
    shell.dialogs.name = "Broad"
    press(qtbot, dialog, "rename")
    settled(qtbot, shell)
    assert dialog.chosen()[0].name == "Broad"
    assert codec.load(workspace / "runs" / "0001 Wide" / "experiment.json").name == "Broad"
    assert "Broad" in [record.name for record in shell.runs.runs.records]


def test_deleting_can_be_undone(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    folder = workspace / "runs" / "0002 Narrow"
    choose(dialog, "Narrow")
    press(qtbot, dialog, "delete")
    settled(qtbot, shell)
    assert names(dialog) == ["Tuned", "Wide"] and not folder.exists()
    assert len(list((workspace / "trash").iterdir())) == 1
    assert dialog.messages.action.text() == "Undo"
    qtbot.mouseClick(dialog.messages.action, Qt.MouseButton.LeftButton)
    settled(qtbot, shell)
    assert names(dialog) == ["Tuned", "Narrow", "Wide"] and folder.exists()


@pytest.mark.parametrize("key", [Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Home])
def test_the_first_arrow_chooses_the_first_model(qtbot: Any, shell: Shell, key: Qt.Key) -> None:
    dialog = opened(qtbot, shell)
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    dialog.table.setFocus()
    assert dialog.chosen() == ()
    qtbot.keyClick(dialog.table, key)
    assert [entry.name for entry in dialog.chosen()] == ["Tuned"]
    qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
    assert [entry.name for entry in dialog.chosen()] == ["Narrow"]


def test_keys_do_what_the_buttons_do(qtbot: Any, shell: Shell, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    dialog.table.setFocus()
    choose(dialog, "Wide")
    shell.dialogs.name = "Broad"
    qtbot.keyClick(dialog.table, Qt.Key.Key_F2)
    settled(qtbot, shell)
    assert dialog.chosen()[0].name == "Broad"
    qtbot.keyClick(dialog.table, Qt.Key.Key_Delete)
    settled(qtbot, shell)
    assert names(dialog) == ["Tuned", "Narrow"]
    choose(dialog, "Narrow")
    qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    assert submitted(shell, OpenModel)[0].path == workspace / "runs" / "0002 Narrow"
    assert next(action.text() for action in dialog.menu().actions() if not action.isSeparator()) == "Open"


def test_a_file_from_elsewhere_is_listed_with_its_sentence_and_only_leaves_the_list(
    qtbot: Any, shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "other.keras"
    file.write_bytes(b"")
    dialog = opened(qtbot, shell)
    shell.dialogs.path = file
    shell.library.add_file()
    settled(qtbot, shell)
    assert submitted(shell, ListLibrary)[-1].files == (file,)
    assert dialog.notes.text() == "other.keras: The file is damaged." and dialog.notes.isVisible()
    dialog.set_notes([f"{n}.keras: The file is damaged." for n in range(6)])
    assert dialog.notes.text().endswith("3.keras: The file is damaged.\nAnd 2 more.")
    entry = Entry(
        path=file, kind="file", name=file.name, task="", classes=(), experiment=WIDE, input_shape=None
    )  # fmt: skip
    done = shell.library.operations.delete(entry)
    assert file.exists() and shell.settings.library_files == []
    assert done.undo is not None
    done.undo()
    assert shell.settings.library_files == [file]


def test_a_copy_is_saved_where_the_person_says(qtbot: Any, shell: Shell, tmp_path: Path, workspace: Path) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Wide")
    shell.dialogs.path = tmp_path / "copy.keras"
    press(qtbot, dialog, "copy")
    qtbot.waitUntil(lambda: "Saved a copy" in dialog.messages.message())
    (job,) = submitted(shell, SaveModel)
    assert (job.model, job.path) == (workspace / "runs" / "0001 Wide", tmp_path / "copy.keras")


@pytest.mark.parametrize("deed", ["clone", "delete"])
def test_what_fails_is_said_and_what_another_program_deleted_leaves_the_list(
    qtbot: Any, shell: Shell, workspace: Path, deed: str
) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Narrow")
    before = set(workspace.iterdir())
    shutil.rmtree(workspace / "runs" / "0002 Narrow")
    press(qtbot, dialog, deed)
    settled(qtbot, shell)
    assert dialog.messages.severity == "error"
    assert "0002 Narrow does not exist any more." in dialog.messages.message()
    assert names(dialog) == ["Tuned", "Wide"]
    assert set(workspace.iterdir()) == before


def test_during_a_training_the_runs_are_listed_all_the_same(qtbot: Any, shell: Shell) -> None:
    shell.engine._timer.setInterval(5)
    shell.controller.train(WIDE.replaced(training=Training(epochs=500)))
    qtbot.waitUntil(lambda: shell.controller.activity == "training")
    shell.actions_["library"].trigger()
    dialog = shell.library.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: names(dialog) == ["Tuned", "Narrow", "Wide"])
    assert shell.library.listing.busy and "Waiting for the training to end" in dialog.progress.text()
    dialog.close()
    shell.controller.stop()
    qtbot.waitUntil(lambda: shell.controller.activity == "idle")


def test_two_models_are_put_parallel_calls(qtbot: Any, shell: Shell) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Wide")
    assert not dialog.buttons["compare"].isEnabled()
    choose(dialog, "Wide", "Narrow")
    assert not dialog.buttons["open"].isEnabled()
    press(qtbot, dialog, "compare")
    (compare,) = shell.library.comparisons
    qtbot.waitUntil(lambda: compare.layers.topLevelItemCount() == 3)
    row = compare.layers.topLevelItem(1)
    assert row is not None
    assert [row.text(n) for n in range(4)] == ["h1", "h1", "differ", "units 20 / 30, activation elu / relu"]
    figures = compare.figures.topLevelItem(1)
    assert figures is not None and [figures.text(n) for n in range(3)] == ["Accuracy", "90.00\xa0%", "80.00\xa0%"]
    option = compare.options.topLevelItem(0)
    assert option is not None and [option.text(n) for n in range(3)] == ["seed", "7", "42"]
    assert compare.headline.text() == "The same kinds of layers; no weights are equal."
    dialog.close()
    assert compare.isVisible()  # it does not go with the library
    compare.close()
    assert len(shell.library.comparisons) == 0


def test_the_menu_of_one_model_compares_it_with_any_other(qtbot: Any, shell: Shell) -> None:
    dialog = opened(qtbot, shell)
    choose(dialog, "Wide")
    menu = dialog.menu()
    others = menu.findChild(QMenu, "library_compare_with")
    assert others is not None and [action.text().partition(":")[0] for action in others.actions()] == names(dialog)[:-1]
    with qtbot.waitSignal(dialog.asked) as asked:
        others.actions()[-1].trigger()
    assert asked.args[0] == "compare" and [entry.name for entry in asked.args[1]] == ["Wide", names(dialog)[-2]]
    (compare,) = shell.library.comparisons
    compare.close()
    choose(dialog, "Wide", "Narrow")
    assert dialog.menu().findChild(QMenu, "library_compare_with") is None


def test_three_hundred_models_are_shown_at_once(qtbot: Any, shell: Shell, tmp_path: Path) -> None:
    dialog = opened(qtbot, shell)
    one = dialog.entries.entries[0]
    many = [
        Entry(**{name: getattr(one, name) for name in Entry.__slots__} | {"path": tmp_path / str(n)})
        for n in range(300)
    ]
    drawn: list[Entry] = []
    bars = EntriesModel.bars

    def counting(self: EntriesModel, entry: Entry) -> Any:
        drawn.append(entry)
        return bars(self, entry)

    delegate = dialog.table.itemDelegate()
    delegate._bars = counting.__get__(dialog.entries)
    dialog.set_entries(many)
    dialog.table.viewport().repaint()
    assert dialog.shown.rowCount() == 300
    assert 0 < len(drawn) < 60  # only what is in sight is drawn


def test_the_workspace_that_is_empty_says_what_to_do(qtbot: Any, shell: Shell, workspace: Path) -> None:
    shutil.rmtree(workspace / "runs")
    dialog = opened(qtbot, shell)
    assert "no trained model" in dialog.empty_message.text() and dialog.table.isHidden()
    store(workspace, 1, WIDE, 0.9)
    dialog.refresh_requested.emit()
    settled(qtbot, shell)
    assert names(dialog) == ["Wide"]


def test_what_the_table_says_is_seen_whole_also_in_the_smallest_window(qtbot: Any, shell: Shell) -> None:
    """Dates, figures with the mark of older ones, and whose weights the layers have; names and tasks alone give way."""
    dialog = opened(qtbot, shell)
    older = [replace(entry, outdated=True, accuracy=1.0, val_accuracy=1.0) for entry in dialog.entries.entries]
    dialog.set_entries(older)
    dialog.resize(dialog.minimumSize())
    metrics = QFontMetrics(shell.theme.font(12))
    model = dialog.shown
    for column in range(1, model.columnCount()):
        if dialog.table.isColumnHidden(column):
            continue
        for row in range(model.rowCount()):
            text = str(model.index(row, column).data())
            assert metrics.horizontalAdvance(text) <= dialog.table.columnWidth(column) - 20, text
    item = LayerIdentity("h1", "share", "0123456789ab", changed=True, shared_with=("Wide",))
    card = dialog.detail
    card.show_entry(replace(older[0], layers=(item,)))
    qtbot.waitUntil(lambda: card.layers.columnWidth(1) >= card.layers.sizeHintForColumn(1) > 0)


def test_names_that_begin_alike_are_told_apart_by_their_ends(
    qtbot: Any, shell: Shell, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def seen(*given: Any) -> str:
        shown.append(fitted(*given))
        return shown[-1]

    monkeypatch.setattr(entry_delegate, "fitted", seen)
    for number, task in ((4, "task A"), (5, "task B")):
        store(workspace, number, WIDE.model_copy(update={"name": f"{'Reused layers ' * 8}{task}"}), 0.9)
    dialog = opened(qtbot, shell)
    dialog.grab()
    cut = [text for text in shown if "…" in text]
    assert any(text.endswith("task A") for text in cut) and any(text.endswith("task B") for text in cut), cut
