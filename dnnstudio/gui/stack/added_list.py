"""The cards of the layers that a pretraining adds above its encoder: seen beside the others, and not to be edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QSizePolicy, QWidget

from dnnstudio.gui.base.document import Document
from dnnstudio.gui.stack.delegate import CARD, GAP, CardDelegate
from dnnstudio.gui.stack.model import Index
from dnnstudio.gui.stack.rows import LayerRow, added_rows
from dnnstudio.gui.theme.theme import Theme

FRAME = 2
"""The stylesheet's border of lists, which lies in the card's margin."""


class AddedModel(QAbstractListModel):
    """One row a layer."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._rows: list[LayerRow] = []

    @property
    def rows(self) -> Sequence[LayerRow]:
        return self._rows

    @property
    def heights(self) -> bytes:
        """One byte per card: none has a third line."""
        return bytes(len(self._rows))

    def refresh(self) -> bool:
        """Show what belongs to the present document; whether that are other cards than before."""
        rows = added_rows(self._document)
        if rows == self._rows:
            return False
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.layer.id
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{row.layer.id}, {row.description}"
            case Qt.ItemDataRole.ToolTipRole:
                return row.tooltip
            case _:
                return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled if index.isValid() else Qt.ItemFlag.NoItemFlags


class AddedList(QListView):
    """Hidden where nothing is added. `changed` comes when there are other cards."""

    changed = Signal()

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("added_layers")
        self.setAccessibleName("Layers that the pretraining adds")
        self.layers = AddedModel(document, self)
        self.setModel(self.layers)
        self.setItemDelegate(CardDelegate(theme, self.layers, lambda _: False, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.viewport().update)
        self.hide()

    @property
    def count(self) -> int:
        """How many layers are added."""
        return len(self.layers.rows)

    def refresh(self) -> None:
        """Show what belongs to the present document."""
        if self.layers.refresh():
            self.setVisible(self.count > 0)
            self.changed.emit()

    def set_room(self, pixels: int) -> None:
        """As high as the cards need, within `pixels`; one card is always to be seen."""
        needed = self.count * (CARD + GAP)
        self.setFixedHeight(min(needed, max(pixels, CARD + GAP)) + 2 * FRAME)

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setViewportMargins(-FRAME, 0, -FRAME, 0)
