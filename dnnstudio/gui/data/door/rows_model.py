"""The lines of a table for a view: its first rows, and the dropped lines in their places among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from dnnstudio.core.jobs.proposals import ColumnFacts, DroppedLine, TableFindings
from dnnstudio.core.text import shortened
from dnnstudio.gui.data.door.words import said_of

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file: the cells of a row, or why it was dropped."""

    line: int
    cells: tuple[str | None, ...] = ()
    dropped: DroppedLine | None = None


class RowsModel(QAbstractTableModel):
    """Read only. The text of a dropped line stands in its first cell."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()
        self.columns: tuple[ColumnFacts, ...] = ()
        self._width = 0

    def set_table(self, table: TableFindings | None) -> None:
        """Show another table, or none."""
        self.beginResetModel()
        self.rows = () if table is None else _rows(table)
        self.columns = () if table is None else table.columns[: len(table.cells[0]) if table.cells else 0]
        self._width = 0 if table is None else table.width
        self.endResetModel()

    def row_of_line(self, line: int) -> int | None:
        """Where a line of the file is shown."""
        return next((place for place, row in enumerate(self.rows) if row.line == line), None)

    def reason(self, row: Row) -> str:
        """Why a line was dropped: 5 cells where 8 are expected."""
        assert row.dropped is not None
        return f"Dropped: {row.dropped.cells} cells where {self._width} are expected."

    # ------------------------------------------------------------------------------------------ Qt

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if row.dropped is not None:
            text = f"{self.reason(row)} {row.dropped.text}" if index.column() == 0 else ""
        else:
            text = row.cells[index.column()] or ""
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return text or "missing"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return f"{self.rows[section].line:,}" if role == Qt.ItemDataRole.DisplayRole else None
        if role == Qt.ItemDataRole.DisplayRole:
            return shortened(self.columns[section].name, 40)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return said_of(self.columns[section])
        return None


def _rows(table: TableFindings) -> tuple[Row, ...]:
    found = [Row(line, cells) for line, cells in zip(table.lines, table.cells, strict=True)]
    found += [Row(item.line, dropped=item) for item in table.dropped]
    return tuple(sorted(found, key=lambda row: row.line))
