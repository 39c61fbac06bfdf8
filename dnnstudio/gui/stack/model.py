"""The stack as a Qt list model. It only presents the document; edits go through `commands`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from dnnstudio.core.experiment import edits
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.stack_commands import MIME_TYPE
from dnnstudio.gui.stack.rows import Identity, LayerRow, make_rows

Index = QModelIndex | QPersistentModelIndex
CARD_FLAGS = (  # joining flags costs Python more than everything else a row provides
    Qt.ItemFlag.ItemIsSelectable
    | Qt.ItemFlag.ItemIsEnabled
    | Qt.ItemFlag.ItemIsEditable
    | Qt.ItemFlag.ItemIsDragEnabled
    | Qt.ItemFlag.ItemNeverHasChildren
)


class LayerListModel(QAbstractListModel):
    """One row per layer. `rename_requested` carries a layer's id and the name typed into its card."""

    rename_requested = Signal(str, str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._identities: dict[str, Identity] = {}
        self._held: frozenset[str] = frozenset()
        self._rows = make_rows(document)
        self._lines_of: Callable[[LayerRow], int] = lambda row: 1
        self._heights: bytes | None = None
        self._numbers = {row.layer.id: number for number, row in enumerate(self._rows)}
        self.moving = False
        """While rows come and go. The view's selection then changes by itself, which no person meant."""
        document.experiment_changed.connect(self.refresh)
        document.summary_changed.connect(self.refresh)

    @property
    def rows(self) -> Sequence[LayerRow]:
        return self._rows

    @property
    def heights(self) -> bytes:
        """One byte per card: how many lines its problem takes."""
        if self._heights is None:
            self._heights = bytes([self._lines_of(row) if row.problem_titles else 0 for row in self._rows])
        return self._heights

    def set_lines(self, lines_of: Callable[[LayerRow], int]) -> None:
        """Set how many lines the problem of a card takes that has one."""
        self._lines_of, self._heights = lines_of, None

    def set_identities(self, identities: Mapping[str, Identity]) -> None:
        """Set the origin of the layers' weights, by layer id; none is shown for the others."""
        if dict(identities) != self._identities:
            self._identities = dict(identities)
            self.refresh()

    def set_held(self, layers: frozenset[str]) -> None:
        """Set the layers that the phase being trained freezes."""
        if layers != self._held:
            self._held = layers
            self.refresh()

    def row_of(self, layer_id: str) -> int:
        """The row of that layer, or -1."""
        return self._numbers.get(layer_id, -1)

    def refresh(self) -> None:
        """Show the present document; only rows that differ are reported to the view."""
        fresh = make_rows(self._document, self._identities, self._held, before=self._rows)
        old_ids = [row.layer.id for row in self._rows]
        new_ids = [row.layer.id for row in fresh]
        if old_ids != new_ids:
            self.moving = True
            self._replace_middle(old_ids, new_ids, fresh)
            self.moving = False
        self._update(fresh)

    def _replace_middle(self, old_ids: list[str], new_ids: list[str], fresh: list[LayerRow]) -> None:
        """Replace the rows between the common start and the common end."""
        start = 0
        shorter = min(len(old_ids), len(new_ids))
        while start < shorter and old_ids[start] == new_ids[start]:
            start += 1
        end = 0
        while end < shorter - start and old_ids[-1 - end] == new_ids[-1 - end]:
            end += 1
        if start < len(old_ids) - end:
            self.beginRemoveRows(QModelIndex(), start, len(old_ids) - end - 1)
            del self._rows[start : len(old_ids) - end]
            self._heights = None
            self.endRemoveRows()
        if start < len(new_ids) - end:
            self.beginInsertRows(QModelIndex(), start, len(new_ids) - end - 1)
            self._rows[start:start] = fresh[start : len(new_ids) - end]
            self._heights = None
            self.endInsertRows()

    def _update(self, fresh: list[LayerRow]) -> None:
        pairs = enumerate(zip(fresh, self._rows, strict=True))
        changed = [number for number, (row, old) in pairs if row is not old and row != old]
        self._rows, self._heights = fresh, None
        self._numbers = {row.layer.id: number for number, row in enumerate(fresh)}
        if changed:
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))

    def row(self, index: Index) -> LayerRow:
        return self._rows[index.row()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return row.layer.id
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{row.layer.id}, {row.description}"
            case Qt.ItemDataRole.AccessibleDescriptionRole:
                return row.layer.help
            case Qt.ItemDataRole.ToolTipRole:
                return row.tooltip
            case _:
                return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if not index.isValid() or role != Qt.ItemDataRole.EditRole:
            return False
        self.rename_requested.emit(self._rows[index.row()].layer.id, str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        return CARD_FLAGS if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled

    def mimeTypes(self) -> list[str]:
        return [MIME_TYPE, "text/plain"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        ids = [self._rows[index.row()].layer.id for index in indexes]
        text = edits.copy_text(self._document.experiment, ids)
        mime = QMimeData()
        mime.setText(text)
        mime.setData(MIME_TYPE, text.encode())
        return mime

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
