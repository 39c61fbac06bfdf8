"""Where a list whose items show the keyboard themselves has none, its frame shows it."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractItemView

from dnnstudio.gui.theme import set_state


def ring_at_current(view: QAbstractItemView) -> None:
    """Show the focus frame of `view`, which has its model, only while no item is current."""

    def show() -> None:
        set_state(view, "ring", "elsewhere" if view.currentIndex().isValid() else "")

    view.selectionModel().currentChanged.connect(show)
    view.model().modelReset.connect(show)
    show()
