"""The images as a grid of small pictures: only what is in sight is ever drawn, so that ten thousand scroll smoothly."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.gui.panels.thumbnails import ink
from dnnstudio.gui.theme import Theme

Index = QModelIndex | QPersistentModelIndex
CELL = QSize(67, 84)
SIDE = 62
KEPT_PICTURES = 3000
HALF_LATER_MS = 30


class Pictures:
    """The images drawn as ink on paper, made when they are first wanted and made anew for another theme."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._made: OrderedDict[int, QImage] = OrderedDict()
        self._small: OrderedDict[int, QPixmap] = OrderedDict()
        self._source: NDArray[np.uint8] | None = None
        self.as_stored = False
        theme.changed.connect(self._forget)

    def set_source(self, pictures: NDArray[np.uint8] | None) -> None:
        """Draw from these: uint8 [rows, h, w] or [rows, h, w, 3]; None for tables."""
        if pictures is not self._source:
            self._source = pictures
            self._forget()

    def set_as_stored(self, as_stored: bool) -> None:
        """White on black as in the file, or ink on paper."""
        self.as_stored = as_stored
        self._forget()

    def _forget(self) -> None:
        self._made.clear()
        self._small.clear()

    def small(self, row: int, side: int, ratio: float) -> QPixmap | None:
        """The picture fitted into a square of `side` pixels, ready to be put on the screen."""
        found = self._small.get(row)
        picture = None if found is not None else self.of(row)
        if picture is not None:
            size = round(side * ratio)
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            found = QPixmap.fromImage(picture.scaled(size, size, keep, smooth))
            found.setDevicePixelRatio(ratio)
            self._small[row] = found
            if len(self._small) > KEPT_PICTURES:
                self._small.popitem(last=False)
        return found

    def of(self, row: int) -> QImage | None:
        if self._source is None:
            return None
        found = self._made.get(row)
        if found is None:
            tokens = self._theme.tokens()
            low, high = ("#000000", "#FFFFFF") if self.as_stored else (tokens.ink_low, tokens.ink_high)
            found = self._made[row] = ink(self._source[row], low, high)
            if len(self._made) > KEPT_PICTURES:
                self._made.popitem(last=False)
        return found


class ImageModel(QAbstractListModel):
    """The rows in the order in which they are shown, each with the figure that stands beneath.

    `figures_changed` in place of `dataChanged`, for which a list lays all its items out anew.
    """

    figures_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.samples: Samples | None = None
        self.order: NDArray[np.int64] = np.empty(0, np.int64)
        self._figures: NDArray[np.float64] | None = None

    def show(self, samples: Samples, order: NDArray[np.int64], figures: NDArray[np.float64] | None) -> None:
        """Show other rows, or the same in another order. `figures` is [rows]; None shows the row's number."""
        same = self.samples is not None and np.array_equal(order, self.order)
        if same:
            self.samples, self._figures = samples, figures
            self.figures_changed.emit()
            return
        self.beginResetModel()
        self.samples, self.order, self._figures = samples, order, figures
        self.endResetModel()

    def row_of(self, place: int) -> int:
        return int(self.order[place])

    def place_of(self, row: int) -> int:
        """Where a row is shown, or -1."""
        found = np.flatnonzero(self.order == row)
        return int(found[0]) if len(found) else -1

    def figure(self, row: int) -> str:
        return f"{row + 1:,}" if self._figures is None else f"{self._figures[row]:.3f}"

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self.samples is None or index.row() >= len(self.order):
            return None
        row = self.row_of(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return self.figure(row)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            scores, names = self.samples.scores, self.samples.rows.class_names
            said, label = int(scores.winner[row]), int(self.samples.rows.labels[row])
            word = "right" if said == label else f"labelled {names[label]}" if label >= 0 else "of another data set"
            return f"Image {row + 1:,}: {names[said]} {scores.mean[row, said] * 100:.0f}\u00a0%, {word}"
        return None


class ImageDelegate(QStyledItemDelegate):
    """Paints a picture in its frame, a disc with tick or cross, and the figure beneath."""

    def __init__(self, theme: Theme, pictures: Pictures, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, ImageModel)
        samples = model.samples
        if samples is None or index.row() >= len(model.order):
            return
        row = model.row_of(index.row())
        color, area = self._theme.color, QRect(option.rect)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        plate = QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("accent_fill" if selected else "hover"))
            painter.drawRoundedRect(plate, 6, 6)
        label = int(samples.rows.labels[row])
        right = None if label < 0 else bool(samples.scores.winner[row] == label)
        box = QRectF(area.left() + (area.width() - SIDE) / 2, area.top() + 4, SIDE, SIDE)
        self._paint_picture(painter, box, samples, row, right)
        painter.setFont(self._theme.font(11))
        painter.setPen(color("on_accent" if selected else "text2"))
        words = QRectF(area.left(), box.bottom() + 1, area.width(), area.bottom() - box.bottom() - 1)
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, model.figure(row))
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRectF, samples: Samples, row: int, right: bool | None) -> None:
        """`right` is None for an image of another data set: none of the classes would be right."""
        frame = self._theme.color("border" if right is None else "right" if right else "wrong")
        paint_frame(painter, self._theme, box, None, frame.name())
        device = painter.device()
        picture = self._pictures.small(row, SIDE - 6, device.devicePixelRatio() if device is not None else 1.0)
        if picture is not None:
            size = picture.deviceIndependentSize()
            middle = box.center()
            painter.drawPixmap(QPointF(middle.x() - size.width() / 2, middle.y() - size.height() / 2), picture)
        elif samples.rows.values is not None:
            painter.setFont(self._theme.font(10))
            painter.setPen(self._theme.color("text2"))
            values = "\n".join(f"{value:.4g}" for value in samples.rows.values[row][:3])
            painter.drawText(box.adjusted(6, 4, -4, -4), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, values)
        if right is not None:
            paint_disc(painter, self._theme, QRectF(box.right() - 13, box.top() - 1, 14, 14), right)


def paint_frame(painter: QPainter, theme: Theme, box: QRectF, picture: QImage | None, frame: str) -> None:
    """A picture inset by 3 px in a frame of 2 px."""
    painter.setPen(QPen(QColor(frame), 2))
    painter.setBrush(theme.color("inset"))
    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 5, 5)
    if picture is None:
        return
    room = box.adjusted(3, 3, -3, -3)
    scale = min(room.width() / picture.width(), room.height() / picture.height())
    target = QRectF(0, 0, picture.width() * scale, picture.height() * scale)
    target.moveCenter(room.center())
    path = QPainterPath()
    path.addRoundedRect(room, 3, 3)
    painter.save()
    painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
    painter.drawImage(target, picture)
    painter.restore()


def paint_disc(painter: QPainter, theme: Theme, disc: QRectF, right: bool) -> None:
    """A tick or a cross on a coloured disc: a shape beside the colour."""
    painter.setPen(QPen(theme.color("surface"), 1))
    painter.setBrush(theme.color("right" if right else "wrong"))
    painter.drawEllipse(disc)
    pen = QPen(theme.color("surface"), 1.5)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y, unit = disc.center().x(), disc.center().y(), disc.width() / 14
    path = QPainterPath()
    if right:
        path.moveTo(x - 3 * unit, y + 0.3 * unit)
        path.lineTo(x - 0.8 * unit, y + 2.4 * unit)
        path.lineTo(x + 3 * unit, y - 2 * unit)
    else:
        path.moveTo(x - 2.3 * unit, y - 2.3 * unit)
        path.lineTo(x + 2.3 * unit, y + 2.3 * unit)
        path.moveTo(x + 2.3 * unit, y - 2.3 * unit)
        path.lineTo(x - 2.3 * unit, y + 2.3 * unit)
    painter.drawPath(path)


class ImageGrid(QListView):
    """The view. Arrow keys move from image to image."""

    def __init__(self, theme: Theme, pictures: Pictures, *, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.images = ImageModel(self)
        self.setModel(self.images)
        self.setItemDelegate(ImageDelegate(theme, pictures, self))
        # A list that wraps, not icon mode: that one keeps a search tree of all items and takes long to lay them out.
        self.setViewMode(QListView.ViewMode.ListMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setGridSize(CELL)
        self.setSpacing(0)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(True)
        self.verticalScrollBar().setSingleStep(CELL.height() // 2)
        theme.changed.connect(self.viewport().update)
        # In two turns: thirty pictures at once would keep the loop longer than a frame.
        self._lower = QTimer(self, singleShot=True, interval=HALF_LATER_MS)
        self._lower.timeout.connect(lambda: self.viewport().update(self._halves()[1]))
        self.images.figures_changed.connect(self._draw_figures)

    def _halves(self) -> tuple[QRect, QRect]:
        """The upper and the lower half of what is in sight."""
        area = self.viewport().rect()
        rows = max(area.height() // CELL.height() // 2, 1) * CELL.height() - self.verticalOffset() % CELL.height()
        return area.adjusted(0, 0, 0, rows - area.height()), area.adjusted(0, rows, 0, 0)

    def _draw_figures(self) -> None:
        self.viewport().update(self._halves()[0])
        self._lower.start()

    def chosen(self) -> int:
        """The row of the selected image, or -1."""
        index = self.currentIndex()
        return self.images.row_of(index.row()) if index.isValid() else -1

    def choose(self, row: int) -> bool:
        """Select a row and bring it into sight; False when it is not shown."""
        place = self.images.place_of(row)
        if place < 0:
            self.clearSelection()
            return False
        index = self.images.index(place)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        return True
