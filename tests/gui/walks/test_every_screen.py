"""The walk over every window on smaller and finer screens, each in a process and on an X display of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.timeout(600), pytest.mark.display, pytest.mark.thorough]
WALK = Path(__file__).with_name("test_every_window.py")
SCREENS = [(1440, 900, "1"), (1024, 700, "1"), (1024, 700, "1.5"), (1440, 900, "2")]
"""Device pixels and scale: 683 × 467 and 720 × 450 logical pixels are left of the last two."""


@pytest.mark.parametrize(("width", "height", "scale"), SCREENS)
def test_every_window_holds_on_that_screen(width: int, height: int, scale: str) -> None:
    size = ("-o", f"xvfb_width={width}", "-o", f"xvfb_height={height}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not thorough", *size, str(WALK)]
    walk = subprocess.run(
        command, env={**os.environ, "QT_SCALE_FACTOR": scale}, capture_output=True, text=True, timeout=500
    )
    assert walk.returncode == 0, walk.stdout[-6000:]
