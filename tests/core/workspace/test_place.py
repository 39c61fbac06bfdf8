"""Whether a folder can be a workspace, told before a training is refused by it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dnnstudio.core.workspace.place import why_unusable


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
