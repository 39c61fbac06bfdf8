"""Shows a single panel for development: the implementation of every panel's `python -m`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card


def show_alone(make: Callable[..., QWidget], width: int, recipe: str = "digits") -> int:
    """Open a window with the panel and the recipe named on the command line; `--dark` selects the dark theme."""
    app = QApplication(sys.argv[:1])
    theme = Theme(app)
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    theme.apply("dark" if "--dark" in sys.argv else "system")
    try:
        document = Document(load_recipe(names[0] if names else recipe).experiment)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    weighted = [layer.id for layer in document.experiment.layers if layer.has_weights]
    document.select(weighted[:1])
    window = on_ground(make(document, theme), theme, width)
    window.show()
    return app.exec()


def on_ground(panel: Any, theme: Theme, width: int, height: int = 860) -> QWidget:
    """The panel on the window's background, inside a card unless it is one itself."""
    window = QWidget()
    window.setProperty("role", "ground")
    window.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    column = QVBoxLayout(window)
    column.setContentsMargins(8, 8, 8, 8)
    if isinstance(panel, Card):
        column.addWidget(panel)
    else:
        card = Card(theme)
        card.add(panel)
        column.addWidget(card)
    window.setWindowTitle(panel.accessibleName() or type(panel).__name__)
    window.resize(width + 16, height)
    return window
