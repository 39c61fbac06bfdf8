"""A program that is killed while it writes a note loses neither that run's note nor its star and colour."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.workspace.remarks import Remarks, read_remarks, write_remarks

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
from collections.abc import Callable
from pathlib import Path
from dnnstudio.core.workspace.remarks import write_remarks
folder, count = Path(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
while True:
    count += 1
    write_remarks(folder, note=f"note {count} " + "x" * 5000)
    print(count, flush=True)
"""
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")


def killed_notes(folder: Path, kills: int) -> tuple[int, int]:
    """How many notes were written and how many kills left anything but the last note or the one before it."""
    write_remarks(folder, note="note 0 " + "x" * 5000, star=True, color="blue")
    chance, written, lost = random.Random(kills), 0, 0
    for _ in range(kills):
        command = [sys.executable, "-c", WRITER, str(folder), str(written)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            first = process.stdout.readline()
            time.sleep(chance.random() * 0.06)
            process.send_signal(signal.SIGKILL)
            told = [int(line) for line in (first + process.stdout.read()).split()]
        last = told[-1]
        found = read_remarks(folder)
        number = int(found.note.split()[1])
        whole = found == Remarks(note=f"note {number} " + "x" * 5000, star=True, color="blue")
        lost += not whole or number not in (last, last + 1) or bool(changed_files(folder))
        written = number
    return written, lost


def test_a_kill_in_the_middle_of_a_note_loses_nothing(tmp_path: Path) -> None:
    written, lost = killed_notes(tmp_path, 3)
    assert written >= 3
    assert lost == 0


@pytest.mark.promise
@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_p2_two_hundred_kills_in_the_middle_of_a_note(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    written, lost = killed_notes(tmp_path, 200)
    record_property("figure", f"P2 remarks.json: 200 kills among {written} notes, {lost} lost")
    assert lost == 0
