"""Two windows have one file of settings, and neither takes away what was set in the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base import settings as module
from dnnstudio.gui.base.settings import Settings


def two_windows(folder: Path) -> tuple[Settings, Settings]:
    Settings(folder).workspace = folder / "workspace"
    return Settings(folder), Settings(folder)


def test_what_was_set_in_another_window_stays_set(tmp_path: Path) -> None:
    one, other = two_windows(tmp_path)
    one.theme = "dark"
    other.last_folder = tmp_path
    other.added_runs = [tmp_path / "run"]
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
        window.library_files = [*window.library_files, file]
    for window in (one, other, Settings(tmp_path)):
        assert window.recent_files == files[::-1]
        assert window.library_files == files
    other.library_files = files[1:]
    assert one.library_files == files[1:]


def test_a_window_keeps_its_own_workspace_while_another_one_changes_it(tmp_path: Path) -> None:
    one, other = two_windows(tmp_path)
    one.workspace = tmp_path / "elsewhere"
    other.theme = "light"
    assert other.workspace == tmp_path / "workspace"
    assert Settings(tmp_path).workspace == tmp_path / "elsewhere"


def test_what_could_not_be_written_is_kept_and_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two_windows(tmp_path)
    with monkeypatch.context() as full:

        def refuse(*_: object, **__: object) -> None:
            raise UserError("The disk is full.")

        full.setattr(module, "write_atomically", refuse)
        one.library_files = [tmp_path / "model.keras"]
    other.theme = "dark"
    assert one.library_files == [tmp_path / "model.keras"]
    one.last_folder = tmp_path
    kept = Settings(tmp_path)
    assert (kept.theme, kept.library_files, kept.last_folder) == ("dark", [tmp_path / "model.keras"], tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[]", None])
def test_a_file_that_is_damaged_or_gone_meanwhile_is_written_anew(tmp_path: Path, content: bytes | None) -> None:
    one, _ = two_windows(tmp_path)
    one.library_files = [tmp_path / "model.keras"]
    one.path.unlink() if content is None else one.path.write_bytes(content)
    assert one.library_files == [tmp_path / "model.keras"]
    one.theme = "dark"
    kept = Settings(tmp_path)
    assert (kept.theme, kept.library_files, kept.workspace) == (
        "dark",
        [tmp_path / "model.keras"],
        tmp_path / "workspace",
    )
