"""The rows of a list of answers as Qt's model: one column, drawn by `RowDelegate`; and their small pictures."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage, QPixmap

from dnnstudio.gui.data.thumbnails import ink
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.words import row_sentence
from dnnstudio.gui.theme import Theme

Index = QModelIndex | QPersistentModelIndex
PLACE_ROLE = int(Qt.ItemDataRole.UserRole) + 1
KEPT_PICTURES = 500


class RowsModel(QAbstractTableModel):
    """The places of `cases` that are shown, in their order."""

    def __init__(self, cases: Cases, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.cases = cases
        self.order: NDArray[np.int64] = np.zeros(0, np.int64)

    def show_order(self, order: NDArray[np.int64]) -> None:
        """Show these rows instead; where they only go on, those before stay as they are."""
        old = len(self.order)
        if old and len(order) >= old and np.array_equal(order[:old], self.order):
            self._append(order)
        elif not np.array_equal(order, self.order):
            self.beginResetModel()
            self.order = order
            self.endResetModel()

    def _append(self, order: NDArray[np.int64]) -> None:
        if len(order) > len(self.order):
            self.beginInsertRows(QModelIndex(), len(self.order), len(order) - 1)
            self.order = order
            self.endInsertRows()

    def place(self, row: int) -> int:
        """The place among all cases of a row that is shown; −1 for none, and for one of cases that were forgotten."""
        place = int(self.order[row]) if 0 <= row < len(self.order) else -1
        return place if place < len(self.cases) else -1

    def row_of(self, place: int) -> int:
        """Where a case is shown; −1 where it is not."""
        found = np.flatnonzero(self.order == place)
        return int(found[0]) if len(found) else -1

    def tell_changed(self, place: int) -> None:
        """One row says something else now."""
        row = self.row_of(place)
        if row >= 0:
            self.dataChanged.emit(self.index(row, 0), self.index(row, 0))

    # ------------------------------------------------------------------------------------------ Qt

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        place = self.place(index.row())
        if place < 0:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.cases.name(place)
            case Qt.ItemDataRole.AccessibleTextRole:
                return row_sentence(self.cases, place)
            case Qt.ItemDataRole.EditRole:
                return self.cases.answer(place)
            case Qt.ItemDataRole.ToolTipRole:
                block, row = self.cases.at(place)
                return block.errors[row] or block.sources[row]
        return place if role == PLACE_ROLE else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        place = self.place(index.row())
        if place >= 0 and self.cases.answer(place) is not None:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags


class CasePictures:
    """What the network saw of each picture, drawn once and kept for as many as fit on a few screens."""

    def __init__(self, theme: Theme, cases: Cases) -> None:
        self._theme = theme
        self._cases = cases
        self._made: OrderedDict[tuple[int, int, str], QPixmap] = OrderedDict()

    def clear(self) -> None:
        """Other cases come."""
        self._made.clear()

    def image(self, place: int) -> QImage | None:
        """The picture as its file stores it, black as black in either theme; None where there is none.

        Not in the theme's ink, as training pictures are: a person would see the own photo as a negative, beside the
        sentence that it is dark on light.
        """
        block, row = self._cases.at(place)
        if block.pictures is None or block.errors[row]:
            return None
        return ink(block.pictures[row], "#000000", "#FFFFFF")

    def small(self, place: int, side: int, ratio: float) -> QPixmap | None:
        """The picture fitted into a square of `side` pixels."""
        key = (place, round(side * ratio), self._theme.tokens().name)
        found = self._made.get(key)
        if found is None:
            picture = self.image(place)
            if picture is None:
                return None
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            found = QPixmap.fromImage(picture.scaled(key[1], key[1], keep, smooth))
            found.setDevicePixelRatio(ratio)
            self._made[key] = found
            while len(self._made) > KEPT_PICTURES:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(key)
        return found
