"""Settings and unsaved work that hold anything at all are read or passed over, and hide nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gui.base.fuzzed_files import READERS, fuzz, write_files

CASES = 150


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_the_window_that_was_changed_anyhow_is_read_or_passed_over(tmp_path: Path, name: str) -> None:
    write_files(tmp_path)
    read, slowest = fuzz(tmp_path, name, CASES)
    assert read == CASES
    assert slowest < 2
