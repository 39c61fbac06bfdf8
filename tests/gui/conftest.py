"""What the tests of the window share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from dnnstudio.gui.theme import Theme


@pytest.fixture(scope="module")
def theme_in_force(qapp: QApplication) -> Iterator[Theme]:
    """One for all tests of a file: a stylesheet put in force anew costs seconds."""
    made = Theme(qapp, "light")
    made.apply()
    yield made
    made.deleteLater()


@pytest.fixture
def theme(theme_in_force: Theme) -> Iterator[Theme]:
    """The light theme, whichever one a test before it chose."""
    yield theme_in_force
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # else the widgets of all tests live on
    theme_in_force.apply("light")
