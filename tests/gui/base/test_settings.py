"""Two windows have one file of settings, and neither takes away what was set in the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dnnstudio.core import file_turns
from dnnstudio.core.atomic_files import LEFTOVER_AGE_S
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.file_turns import turn
from dnnstudio.gui.base import settings as module
from dnnstudio.gui.base.settings import Settings


def two_windows(folder: Path) -> tuple[Settings, Settings]:
    Settings(folder).workspace = folder / "workspace"
    return Settings(folder), Settings(folder)


def refuse_writing(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Do something while the disk is full."""

    def refuse(*_: object, **__: object) -> None:
        raise UserError("The disk is full.")

    with monkeypatch.context() as full:
        full.setattr(module, "write_atomically", refuse)
        deed()


def test_what_was_set_in_another_window_stays_set(tmp_path: Path) -> None:
    one, other = two_windows(tmp_path)
    one.theme = "dark"
    other.last_folder = tmp_path
    other.change_added_runs(lambda _: [tmp_path / "run"])
    one.set_last_folder(tmp_path / "nowhere")
    kept = Settings(tmp_path)
    assert kept.theme == "dark"
    assert kept.added_runs == [tmp_path / "run"]
    assert kept.workspace == tmp_path / "workspace"


def test_lists_grow_in_both_windows(tmp_path: Path) -> None:
    one, other = two_windows(tmp_path)
    files = [tmp_path / name for name in ("first.json", "second.json", "third.json")]
    for file, window in zip(files, (one, other, one), strict=True):
        file.touch()
        window.add_recent_file(file)
        window.change_library_files(lambda files, file=file: [*files, file])
    for window in (one, other, Settings(tmp_path)):
        assert window.recent_files == files[::-1]
        assert window.library_files == files
    other.change_library_files(lambda _: files[1:])
    assert one.library_files == files[1:]


def test_a_window_keeps_its_own_workspace_while_another_one_changes_it(tmp_path: Path) -> None:
    one, other = two_windows(tmp_path)
    one.workspace = tmp_path / "elsewhere"
    other.theme = "light"
    assert other.workspace == tmp_path / "workspace"
    assert Settings(tmp_path).workspace == tmp_path / "elsewhere"


def test_what_could_not_be_written_is_kept_and_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two_windows(tmp_path)
    refuse_writing(monkeypatch, lambda: one.change_library_files(lambda _: [tmp_path / "model.keras"]))
    other.theme = "dark"
    assert one.library_files == [tmp_path / "model.keras"]
    one.last_folder = tmp_path
    kept = Settings(tmp_path)
    assert (kept.theme, kept.library_files, kept.last_folder) == ("dark", [tmp_path / "model.keras"], tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[]", None])
def test_a_file_that_is_damaged_or_gone_meanwhile_is_written_anew(tmp_path: Path, content: bytes | None) -> None:
    one, _ = two_windows(tmp_path)
    one.change_library_files(lambda _: [tmp_path / "model.keras"])
    one.path.unlink() if content is None else one.path.write_bytes(content)
    assert one.library_files == [tmp_path / "model.keras"]
    one.theme = "dark"
    kept = Settings(tmp_path)
    assert (kept.theme, kept.library_files, kept.workspace) == (
        "dark",
        [tmp_path / "model.keras"],
        tmp_path / "workspace",
    )


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b" " * (module.MAX_BYTES + 1), b'{"theme": "dark", "theme": "light"}']
)
def test_a_file_that_is_damaged_meanwhile_is_set_aside_and_said_once(tmp_path: Path, content: bytes) -> None:
    one, other = two_windows(tmp_path)
    said: list[Path] = []
    one.on_set_aside = other.on_set_aside = said.append
    one.path.write_bytes(content)
    assert one.library_files == []  # reading alone moves nothing
    assert one.path.read_bytes() == content
    for theme in ("dark", "light"):
        one.theme = theme
        other.change_library_files(lambda files: [*files, tmp_path / "model.keras"])
    kept = tmp_path / "settings.json.bad"
    assert said == [kept] and kept.read_bytes() == content
    found = Settings(tmp_path)
    assert (found.theme, found.library_files) == ("light", [tmp_path / "model.keras"])


def test_what_was_set_aside_before_is_kept(tmp_path: Path) -> None:
    (tmp_path / "settings.json.bad3").mkdir()
    (tmp_path / "settings.json.bad5").symlink_to("nowhere")
    for number in range(1, module.MOST_ASIDE + 3):
        (tmp_path / "settings.json").write_bytes(b"{%d" % number)
        assert Settings(tmp_path).set_aside is not None
    kept = {path.name: path.read_bytes() for path in tmp_path.glob("*.bad*") if path.is_file()}
    assert [kept[f"settings.json.bad{number}"] for number in ("", 2, 4, 6)] == [b"{1", b"{2", b"{3", b"{4"]
    assert len(kept) == module.MOST_ASIDE - 2 and kept["settings.json.bad9"] == b"{%d" % (module.MOST_ASIDE + 2)
    assert (tmp_path / "settings.json.bad5").is_symlink(), "a link is not replaced"


def test_folders_in_the_way_of_what_is_set_aside_cost_nothing(tmp_path: Path) -> None:
    for number in range(1, module.MOST_ASIDE + 1):
        (tmp_path / f"settings.json.bad{number if number > 1 else ''}").mkdir()
    (tmp_path / "settings.json").write_bytes(b"{")
    aside = Settings(tmp_path).set_aside
    assert aside is not None and aside.read_bytes() == b"{"


def test_a_workspace_that_can_be_none_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"workspace": "\\u0000x"}')
    Settings(tmp_path).note_workspace()


def test_a_file_that_cannot_be_read_for_now_is_neither_moved_nor_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_windows(tmp_path)
    other.theme = "dark"

    def refuse(*_: object, **__: object) -> bytes:
        raise UserError("Too many open files.", code=Code.CANNOT_READ)

    with monkeypatch.context() as busy:
        busy.setattr(module, "read_bounded", refuse)
        one.last_folder = tmp_path
        one.change_library_files(lambda files: [*files, tmp_path / "model.keras"])
    assert [path.name for path in tmp_path.glob("settings.json*")] == ["settings.json"]
    one.set_last_folder(tmp_path)
    kept = Settings(tmp_path)
    assert (kept.theme, kept.last_folder, kept.library_files) == ("dark", tmp_path, [tmp_path / "model.keras"])


def test_a_window_that_comes_late_takes_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two_windows(tmp_path)
    files = [tmp_path / name for name in ("theirs.keras", "mine.keras")]
    write, times = module.write_atomically, []

    def late(path: Path, content: bytes, **rest: Any) -> None:
        times.append(path)
        if len(times) == 1:  # as if the window was stopped since it read the file
            other.theme = "dark"
            other.change_library_files(lambda listed: [*listed, files[0]])
        write(path, content, **rest)

    monkeypatch.setattr(module, "write_atomically", late)
    one.change_library_files(lambda listed: [*listed, files[1]])
    kept = Settings(tmp_path)
    assert (kept.theme, kept.library_files) == ("dark", files)
    assert one.library_files == other.library_files == files


def test_a_window_that_always_comes_late_writes_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = two_windows(tmp_path)
    write, numbers = module.write_atomically, iter(range(1000))

    def late(path: Path, content: bytes, **rest: Any) -> None:
        write(path, json.dumps({"number": next(numbers)}).encode())
        write(path, content, **rest)

    monkeypatch.setattr(module, "write_atomically", late)
    one.theme = "dark"
    assert Settings(tmp_path).theme == "dark"
    assert next(numbers) == module.MOST_LOOKS


@pytest.mark.parametrize("letter", ["x", "\N{SNOWMAN}"])
def test_lists_that_are_too_long_for_the_file_keep_their_newest_entries(tmp_path: Path, letter: str) -> None:
    settings = Settings(tmp_path)
    settings.theme = "dark"
    files = [Path(f"/models/{letter * 100}/{number}.keras") for number in range(20_000)]
    settings.change_library_files(lambda _: files[:-1])
    settings.change_added_runs(lambda runs: [*runs, tmp_path / "run"])
    settings.change_library_files(lambda listed: [*listed, files[-1]])
    kept = Settings(tmp_path)
    assert kept.set_aside is None and kept.theme == "dark" and kept.added_runs == [tmp_path / "run"]
    assert settings.library_files == kept.library_files == files[-len(kept.library_files) :]
    assert module.MAX_BYTES * 0.95 < settings.path.stat().st_size <= module.MAX_BYTES


def test_settings_that_are_too_large_all_the_same_leave_the_file_as_it_is(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.change_library_files(lambda files: [*files, tmp_path / "model.keras"])
    settings._set("of a later version", "x" * module.MAX_BYTES)
    kept = Settings(tmp_path)
    assert kept.set_aside is None and kept.library_files == [tmp_path / "model.keras"]


def test_what_a_killed_write_left_is_swept_at_the_start(tmp_path: Path) -> None:
    folders = tmp_path / "settings", tmp_path / "elsewhere"
    for folder in folders:
        folder.mkdir()
        for name, age_s in (("old", LEFTOVER_AGE_S + 60), ("new", 0)):
            left = folder / f".dnnstudio-{name}.tmp"
            left.touch()
            os.utime(left, (time.time() - age_s,) * 2)
    Settings(folders[0])
    assert [path.name for path in folders[0].iterdir()] == [".dnnstudio-new.tmp"]
    (folders[1] / "real.json").write_text("{}")
    (folders[0] / "settings.json").symlink_to(folders[1] / "real.json")
    Settings(folders[0])
    assert sorted(path.name for path in folders[1].iterdir()) == [".dnnstudio-new.tmp", "real.json"]


MANY = 50
WRITER = """
import sys
from pathlib import Path
from dnnstudio.gui.base import settings as module
module.PATIENCE_S = 30.0  # the disk of a busy machine may be slow
folder, name = Path(sys.argv[1]), sys.argv[2]
settings = module.Settings(folder)
print("ready", flush=True)
input()
for number in range(int(sys.argv[3])):
    settings._set(f"{name}{number}", number)
    if number < 5:
        (folder / f"{name}{number}").touch()
        settings.add_recent_file(folder / f"{name}{number}")
"""


def write_at_once(script: str, folder: Path) -> None:
    """Two windows that begin in the same moment and write `MANY` times each."""
    commands = [[sys.executable, "-c", script, str(folder), name, str(MANY)] for name in ("one", "other")]
    windows = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for command in commands]
    for window in windows:
        assert window.stdout is not None
        assert window.stdout.readline() == b"ready\n"
    for window in windows:
        assert window.stdin is not None
        window.stdin.write(b"\n")
        window.stdin.flush()
    for window in windows:
        window.communicate(timeout=120)
        assert window.returncode == 0


def test_nothing_is_lost_where_two_windows_write_in_the_same_moment(tmp_path: Path) -> None:
    write_at_once(WRITER, tmp_path)
    kept = Settings(tmp_path)
    values = json.loads(kept.path.read_text(encoding="utf-8"))
    names = [f"{name}{number}" for name in ("one", "other") for number in range(MANY)]
    assert [name for name in names if name not in values] == []
    assert {path.name for path in kept.recent_files} == {name for name in names if int(name.strip("onehtr")) < 5}


ADDER = """
import sys
from pathlib import Path
from dnnstudio.gui.base import settings as module
module.PATIENCE_S = 30.0  # the disk of a busy machine may be slow
folder, name = Path(sys.argv[1]), sys.argv[2]
settings = module.Settings(folder / "first start" / "settings")
print("ready", flush=True)
input()
for number in range(int(sys.argv[3])):
    settings.change_library_files(lambda files: [*files, folder / f"{name}{number}"])
    if number < 5:
        settings.change_added_runs(lambda runs: [*runs, folder / f"{name}{number}"])
"""


def test_no_entry_is_lost_where_two_windows_add_to_a_list_in_the_same_moment(tmp_path: Path) -> None:
    write_at_once(ADDER, tmp_path)
    kept = Settings(tmp_path / "first start" / "settings")
    added = {tmp_path / f"{name}{number}" for name in ("one", "other") for number in range(MANY)}
    assert added - set(kept.library_files) == set()
    assert {path for path in added if int(path.name.strip("onehtr")) < 5} == set(kept.added_runs)


def test_the_first_start_too_has_its_turn_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, locked = Settings(tmp_path / "first" / "start"), []

    def note(*_: object, **__: object) -> None:
        locked.append((settings.folder / module.TURN_FILE).is_file())

    monkeypatch.setattr(module, "write_atomically", note)
    settings.add_recent_file(tmp_path)
    settings.change_added_runs(lambda runs: [*runs, tmp_path])
    assert locked == [True, True]


def test_the_same_value_is_written_where_it_could_not_be_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(tmp_path)
    refuse_writing(monkeypatch, lambda: setattr(settings, "theme", "dark"))
    assert settings.theme == "dark" and not settings.path.exists()
    settings.theme = "dark"
    assert Settings(tmp_path).theme == "dark"


def test_an_entry_that_could_not_be_added_joins_those_that_another_window_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_windows(tmp_path)
    mine, theirs = tmp_path / "mine.keras", tmp_path / "theirs.keras"
    refuse_writing(monkeypatch, lambda: one.change_library_files(lambda files: [*files, mine]))
    other.change_library_files(lambda files: [*files, theirs])
    assert one.library_files == [theirs, mine]
    one.last_folder = tmp_path
    assert other.library_files == [theirs, mine]


HOLDER = """
import sys
from pathlib import Path
from dnnstudio.core.file_turns import turn
with turn(Path(sys.argv[1]), 10.0) as sure:
    print(sure, flush=True)
    input()
"""


def test_a_window_that_stands_still_while_it_writes_stops_no_other(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    lock = tmp_path / module.TURN_FILE
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with turn(lock, 0.0) as sure:
            assert not sure
        before = time.monotonic()
        settings.theme = "dark"
        waited = time.monotonic() - before
        holder.kill()
    assert module.PATIENCE_S <= waited < module.PATIENCE_S + 1.0
    assert Settings(tmp_path).theme == "dark"
    with turn(lock, 0.0) as sure:  # the system freed it
        assert sure


def test_what_is_set_in_one_moment_waits_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, waited = [100.0], []

    def in_vain(_: int, until: float) -> bool:
        waited.append(until - now[0])
        now[0] = until
        return False

    monkeypatch.setattr(file_turns, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(file_turns, "_taken", in_vain)
    settings = Settings(tmp_path)
    settings.theme, settings.workspace = "dark", tmp_path
    settings.add_recent_file(tmp_path)
    assert len(waited) == 3 and sum(waited) == pytest.approx(module.PATIENCE_S, rel=0.2)
    assert Settings(tmp_path).theme == "dark"


def test_settings_are_written_where_no_lock_can_be_had(tmp_path: Path) -> None:
    (tmp_path / module.TURN_FILE / "something").mkdir(parents=True)
    Settings(tmp_path).theme = "dark"
    assert Settings(tmp_path).theme == "dark"
