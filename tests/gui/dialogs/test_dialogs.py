"""Questions, the name dialog and the dialog for bugs; hooks, crash log and settings behind them."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QByteArray, QMessageLogContext, Qt, QtMsgType
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.gui.base.error_hub import LOG, CrashLog, ErrorHub, log_to_file
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs.bug_dialog import BugDialog
from dnnstudio.gui.dialogs.dialogs import Dialogs, with_suffix
from dnnstudio.gui.dialogs.name_dialog import NameDialog
from dnnstudio.gui.dialogs.question import Answer, QuestionDialog
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.windows import save_path

# ------------------------------------------------------------------------------------------------ questions


def test_an_answer_is_as_wide_as_its_words_however_narrow_the_dialog(qtbot: Any, theme: Theme) -> None:
    answers = (Answer("long", "An answer of a good many words", primary=True), Answer("other", "Another of some words"))
    dialog = QuestionDialog(theme, "A title?", "A sentence.", answers)
    qtbot.addWidget(dialog)
    dialog.setMinimumWidth(0)
    dialog.show()
    dialog.resize(dialog.minimumSizeHint())
    for button in dialog.findChildren(QPushButton):
        assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()) + 12


def test_a_question_gives_the_answer_that_is_pressed_and_the_last_one_for_escape(qtbot: Any, theme: Theme) -> None:
    answers = (Answer("save", "Save", primary=True), Answer("cancel", "Cancel"))
    dialog = QuestionDialog(theme, "Save the changes?", "They are lost otherwise.", answers)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.answer == "cancel"
    dialog.show()
    dialog.findChild(QPushButton, "answer_save").click()
    assert dialog.answer == "save"
    dialog.answer = "cancel"
    dialog.show()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.answer == "save"


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_return_presses_the_answer_that_has_the_keyboard(qtbot: Any, theme: Theme, key: Qt.Key) -> None:
    answers = (Answer("save", "Save", primary=True), Answer("discard", "Discard"), Answer("cancel", "Cancel"))
    dialog = QuestionDialog(theme, "Save the changes?", "They are lost otherwise.", answers)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    button = dialog.findChild(QPushButton, "answer_discard")
    button.setFocus()
    qtbot.keyClick(button, key)
    assert dialog.answer == "discard" and not dialog.isVisible()


@pytest.mark.parametrize(
    ("name", "seed", "problem"),
    [
        ("", "1", "The experiment needs a name."),
        ("a", "-1", "The seed must be a whole number of at least 0."),
        ("a", "1.5", "The seed must be a whole number of at least 0."),
        ("a", str(2**40), "at most 4,294,967,295"),
        ("a" * 300, "1", "name"),
    ],
)
def test_a_name_or_seed_that_cannot_be_is_refused_in_the_dialog(
    qtbot: Any, theme: Theme, name: str, seed: str, problem: str
) -> None:
    dialog = NameDialog(theme, load_recipe("digits").experiment)
    qtbot.addWidget(dialog)
    dialog.name.setText(name)
    dialog.seed.setText(seed)
    assert problem in dialog.problem.text()
    assert not dialog.apply.isEnabled()


def test_a_good_name_and_seed_are_taken(qtbot: Any, theme: Theme) -> None:
    dialog = NameDialog(theme, load_recipe("digits").experiment)
    qtbot.addWidget(dialog)
    dialog.name.setText("  My digits ")
    dialog.seed.setText("7")
    assert dialog.experiment is not None
    assert (dialog.experiment.name, dialog.experiment.seed) == ("My digits", 7)
    assert dialog.problem.text() == ""


def test_a_suffix_is_added_only_where_there_is_none() -> None:
    assert with_suffix("model", ".keras", (".keras", ".h5")) == "model.keras"
    assert with_suffix("model.h5", ".keras", (".keras", ".h5")) == "model.h5"
    assert with_suffix("a.b", ".json") == "a.b.json"
    assert with_suffix("", ".json") == ""


# ------------------------------------------------------------------------------------------------ bugs


def test_many_errors_share_one_dialog_with_folded_details_that_can_be_copied(
    qtbot: Any, theme: Theme, tmp_path: Path
) -> None:
    dialog = BugDialog(theme, tmp_path / "dnnstudio.log")
    qtbot.addWidget(dialog)
    dialog.add("ZeroDivisionError: by zero", "Traceback one")
    dialog.add("KeyError: 'x'", "Traceback two")
    dialog.show()
    assert "(2 errors)" in dialog.summary.text()
    assert dialog.details.isHidden()
    dialog.findChild(QPushButton, "bug_fold").click()
    assert not dialog.details.isHidden()
    dialog.findChild(QPushButton, "bug_copy").click()
    copied = QApplication.clipboard().text()
    assert "Traceback one" in copied and "Traceback two" in copied and "dnnstudio" in copied


@pytest.fixture
def hub(qapp: QApplication) -> Iterator[ErrorHub]:
    made = ErrorHub()
    yield made
    made.deleteLater()


def test_an_exception_of_another_thread_becomes_a_bug_told_on_the_gui_thread(qtbot: Any, hub: ErrorHub) -> None:
    heard: list[tuple[str, str, threading.Thread]] = []
    hub.bug_found.connect(lambda title, details: heard.append((title, details, threading.current_thread())))

    def fail() -> None:
        try:
            raise ZeroDivisionError("by zero")
        except ZeroDivisionError as error:
            hub.on_exception(type(error), error, error.__traceback__)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(heard))
    title, details, where = heard[0]
    assert title == "ZeroDivisionError: by zero"
    assert "in fail" in details
    assert where is threading.main_thread()


def test_errors_of_the_person_and_wishes_are_no_bugs(qtbot: Any, hub: ErrorHub) -> None:
    told: list[object] = []
    bugs: list[str] = []
    hub.person_error.connect(told.append)
    hub.bug_found.connect(lambda title, details: bugs.append(title))
    for error in (Cancelled(), KeyboardInterrupt(), UserError("The file is empty.", "Choose another.")):
        hub.on_exception(type(error), error)
    qtbot.waitUntil(lambda: bool(told))
    assert str(told[0]) == "The file is empty. Choose another."
    assert bugs == []


def test_a_folder_that_may_not_be_entered_is_no_bug_but_a_sentence(qtbot: Any, hub: ErrorHub) -> None:
    told: list[object] = []
    bugs: list[str] = []
    hub.person_error.connect(told.append)
    hub.bug_found.connect(lambda title, details: bugs.append(title))
    for error in (PermissionError(errno.EACCES, "Permission denied", "/data/run"), OSError("of no file")):
        hub.on_exception(type(error), error)
    qtbot.waitUntil(lambda: bool(bugs))
    assert [str(error).split(".")[0] for error in told] == ["/data/run cannot be used: permission denied"]
    assert bugs == ["OSError: of no file"]


def test_qt_warnings_are_logged_and_its_critical_messages_are_bugs(
    qtbot: Any, hub: ErrorHub, caplog: pytest.LogCaptureFixture
) -> None:
    bugs: list[str] = []
    hub.bug_found.connect(lambda title, details: bugs.append(title))
    with caplog.at_level(logging.WARNING, logger="dnnstudio"):
        hub._on_qt_message(QtMsgType.QtWarningMsg, QMessageLogContext(), "a small thing")
        hub._on_qt_message(QtMsgType.QtCriticalMsg, QMessageLogContext(), "a large thing")
    qtbot.waitUntil(lambda: bool(bugs))
    assert bugs == ["RuntimeError: Qt: a large thing"]
    assert "a small thing" in caplog.text


def test_the_log_is_written_and_a_folder_that_cannot_be_is_no_reason_to_fail(tmp_path: Path) -> None:
    path = log_to_file(tmp_path / "log")
    assert path is not None
    try:
        LOG.error("something")
        assert "something" in path.read_text()
    finally:
        for handler in list(LOG.handlers):
            LOG.removeHandler(handler)
            handler.close()
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert log_to_file(blocked / "log") is None


def test_a_crash_is_told_of_once_at_the_next_start(tmp_path: Path) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom dnnstudio.gui.base.error_hub import CrashLog\n"
        f"CrashLog(Path({str(tmp_path)!r})).start()\nos.kill(os.getpid(), signal.SIGSEGV)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    log = CrashLog(tmp_path)
    found = log.take_last_crash()
    assert found is not None
    assert "Segmentation fault" in found.read_text()
    assert log.take_last_crash() is None


def test_an_orderly_end_leaves_no_crash_log(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom dnnstudio.gui.base.error_hub import CrashLog\n"
        f"log = CrashLog(Path({str(tmp_path)!r}))\nlog.start()\nlog.stop()"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ settings


def test_settings_are_remembered(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.json" for number in range(12)]
    first = Settings(tmp_path / "settings")
    assert (first.theme, first.recent_files, first.geometry.isEmpty()) == ("system", [], True)
    for path in files:
        path.write_text("{}")
        first.add_recent_file(path)
    first.add_recent_file(files[5])
    first.theme = "dark"
    first.workspace = tmp_path / "mine"
    first.geometry = QByteArray(b"\x01\xd9\xd0\xcb")
    again = Settings(tmp_path / "settings")
    assert again.theme == "dark"
    assert again.workspace == tmp_path / "mine"
    assert again.geometry == QByteArray(b"\x01\xd9\xd0\xcb")
    assert again.recent_files[0] == files[5]
    assert len(again.recent_files) == 10
    files[5].unlink()
    assert files[5] not in again.recent_files
    if hasattr(os, "mkfifo"):  # to open it would wait for ever
        os.mkfifo(files[5])
        assert files[5] not in again.recent_files


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x)).map(repr))
def test_settings_that_cannot_be_read_are_kept_aside_and_the_defaults_used(content: bytes | str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings.json").write_bytes(content if isinstance(content, bytes) else content.encode())
        settings = Settings(folder)
        assert settings.theme in ("system", "light", "dark")
        assert isinstance(settings.recent_files, list)
        settings.theme = "light"
        assert Settings(folder).theme == "light"


@pytest.mark.skipif(sys.platform == "win32", reason="links want a right there")
def test_settings_that_are_a_link_in_a_circle_are_set_aside_and_written_anew(tmp_path: Path) -> None:
    (tmp_path / "settings.json").symlink_to("settings.json")
    settings = Settings(tmp_path)
    assert settings.set_aside == tmp_path / "settings.json.bad"
    settings.theme = "light"
    assert Settings(tmp_path).theme == "light"


@pytest.mark.skipif(sys.platform == "win32", reason="links want a right there")
def test_settings_that_link_to_a_file_to_come_are_written_there(tmp_path: Path) -> None:
    (tmp_path / "settings.json").symlink_to("elsewhere.json")
    settings = Settings(tmp_path)
    assert settings.set_aside is None
    settings.theme = "light"
    assert (tmp_path / "settings.json").is_symlink() and (tmp_path / "elsewhere.json").exists()


def test_settings_that_were_set_aside_are_named_once(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")
    assert Settings(tmp_path).set_aside == tmp_path / "settings.json.bad"
    assert Settings(tmp_path).set_aside is None


def test_settings_of_a_wrong_kind_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"theme": 3, "recent_files": {"a": 1}, "geometry": "!!", "workspace": []}')
    settings = Settings(tmp_path)
    assert settings.theme == "system"
    assert settings.recent_files == []
    assert settings.geometry.isEmpty()
    assert settings.workspace.name == "dnnstudio"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "loop/inside", "~nobody/x"])
def test_a_remembered_path_that_may_not_be_looked_at_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "there.json").write_text("{}")
    paths = [str(tmp_path / name), str(tmp_path / "there.json")]
    settings = {"recent_files": paths, "recent_data": paths, "last_folder": paths[0], "workspace": paths[0]}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    read = Settings(tmp_path)
    assert read.recent_files == read.recent_data == [tmp_path / "there.json"]
    assert read.last_folder is None


def test_a_remembered_path_that_a_drive_refuses_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"recent_files": ["/far/a.json"], "last_folder": "/far"}))
    read = Settings(tmp_path)

    def stale(*_: object, **__: object) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), "/far")

    monkeypatch.setattr(Path, "stat", stale)
    assert (read.recent_files, read.last_folder) == ([], None)


def test_the_settings_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DNNSTUDIO_SETTINGS", str(tmp_path / "here"))
    assert Settings().path == tmp_path / "here" / "settings.json"


def test_settings_that_cannot_be_written_do_not_stop_the_work(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings = Settings(blocked / "settings")
    settings.theme = "dark"
    assert settings.theme == "dark"
    assert blocked.read_text() == ""


@pytest.mark.parametrize(
    "method", ["open_data", "open_data_folder", "save_plot", "save_table", "join_file", "run_folder"]
)
def test_file_dialogs_begin_in_the_workspace_and_then_where_the_person_was(
    method: str, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(tmp_path / "settings")
    settings.workspace, later = tmp_path / "workspace", tmp_path / "later"
    for folder in (settings.workspace, later):
        folder.mkdir()
    began: list[Path] = []

    def answer(parent: object, title: str, start: str, *_filters: str) -> Any:
        began.append(Path(start))
        chosen = str(later / "x.csv")
        return chosen if not _filters else ([chosen] if title == "Open your data" else chosen, "")

    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory"):
        monkeypatch.setattr(QFileDialog, name, answer)
    more = {"save_plot": ("loss", "png"), "save_table": ("runs",)}.get(method, ())
    for _ in range(2):
        getattr(Dialogs(Theme(qapp, "light"), settings), method)(None, *more)
    assert [settings.workspace in (start, start.parent) for start in began] == [True, False]
    assert later in (began[1], began[1].parent)


def test_what_is_saved_from_a_table_or_plot_begins_there_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Path] = []
    monkeypatch.setattr(save_path.place, "start", lambda: tmp_path)
    monkeypatch.setattr(save_path.place, "ended", told.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda parent, title, start, filters: (start, filters))
    name = save_path.ask_save_path(None, "loss.png", "Picture (*.png)")
    assert name == str(tmp_path / "loss.png") and told == [tmp_path]
