"""Whether a folder can be a workspace, told before a training is refused by it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from dnnstudio.core.workspace.place import Presence, mount_of, why_unusable


def test_a_folder_and_one_that_can_be_made_are_usable(tmp_path: Path) -> None:
    assert why_unusable(tmp_path) == why_unusable(tmp_path / "new" / "deeper") == ""


@pytest.mark.parametrize(
    ("below", "reason"), [("", "there is a file in its place"), ("runs", "its path leads through a file")]
)
def test_a_file_is_no_workspace(tmp_path: Path, below: str, reason: str) -> None:
    (tmp_path / "ws").write_text("")
    assert why_unusable(tmp_path / "ws" / below) == reason


def test_a_name_that_the_system_cannot_have_is_said(tmp_path: Path) -> None:
    assert why_unusable(tmp_path / ("n" * 300)) == "the name is too long"


def test_a_folder_without_permission_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, which tests may run as, is permitted everything: the system's answer stands in."""
    asked: list[tuple[Path, int]] = []
    monkeypatch.setattr(os, "access", lambda place, mode: bool(asked.append((place, mode))))
    assert why_unusable(tmp_path / "ws") == "nothing may be written there"
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_a_workspace_that_the_first_run_will_make_is_not_missing(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "ws")
    assert presence.look() == ""
    (tmp_path / "ws" / "runs" / "0001 digits").mkdir(parents=True)
    assert presence.look() == ""


def test_a_workspace_that_vanishes_is_missed_until_it_is_back(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "ws")
    (tmp_path / "ws" / "runs").mkdir(parents=True)
    assert presence.look() == ""
    (tmp_path / "ws").rename(tmp_path / "elsewhere")
    assert presence.look() == presence.look() == "it is not there any more"
    (tmp_path / "ws").write_text("")
    assert presence.look() == "there is a file in its place"
    (tmp_path / "ws").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "ws")
    assert presence.look() == ""


def test_the_empty_folder_that_a_drive_leaves_behind_is_no_workspace(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    assert presence.look() == ""  # a new one is empty as well
    (tmp_path / "runs").mkdir()
    assert presence.look() == ""
    shutil.rmtree(tmp_path / "runs")
    assert "it is empty now" in presence.look()


@pytest.mark.parametrize("below", ["", "runs"])
def test_a_drive_that_fails_is_said_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    presence = Presence(tmp_path)
    (tmp_path / "runs").mkdir()
    assert presence.look() == ""
    listed = os.listdir

    def fail(place: Path) -> list[str]:
        if Path(place) == tmp_path / below:
            raise OSError(errno.ESTALE, "stale", str(place))
        return listed(place)

    monkeypatch.setattr(os, "listdir", fail)
    assert presence.look() == "the network drive went away"


def test_a_broken_link_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert why_unusable(tmp_path / "link") == "it is a broken link"
    assert why_unusable(tmp_path / "link" / "below") == "its path leads through a broken link"


def test_the_mount_of_a_workspace_is_the_nearest_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert os.path.ismount(mount_of(tmp_path / "not" / "there"))
    monkeypatch.setattr(os.path, "ismount", lambda place: Path(place) == tmp_path / "usb")
    assert mount_of(tmp_path / "usb" / "ws" / "runs") == tmp_path / "usb"


def test_a_workspace_on_a_drive_that_is_away_at_the_start_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was mounted on is there, empty: a workspace could be made in it."""
    usb, mounted = tmp_path / "usb", [False]
    usb.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda place: Path(place) == usb and mounted[0])
    presence = Presence(usb / "ws")
    presence.expect(usb)
    assert presence.look() == "the drive that it lies on is not there"
    mounted[0] = True
    (usb / "ws" / "runs").mkdir(parents=True)
    assert presence.look() == ""


def test_a_workspace_that_was_deleted_between_two_starts_is_begun_anew(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "ws")
    presence.expect(mount_of(tmp_path))
    assert presence.look() == ""
