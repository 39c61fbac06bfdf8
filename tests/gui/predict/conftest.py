"""Windows of new cases that are closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine
from .kit import Opener


@pytest.fixture
def open_window(qtbot: Any, theme: Theme) -> Iterator[Opener]:
    engine = FakeEngine()
    engine.start()
    opener = Opener(qtbot, theme, engine)
    yield opener
    for window in opener.windows:
        window.close()
        window.deleteLater()
    engine.shutdown()
    engine.deleteLater()
