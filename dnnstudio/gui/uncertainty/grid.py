"""The images as a grid of thumbnails: only visible ones are drawn, so that ten thousand scroll smoothly."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

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

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.gui.data.thumbnails import ink
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.sentences import row_noun
from dnnstudio.gui.widgets.charts.copies import keeps_choice

Index = QModelIndex | QPersistentModelIndex
CELL = QSize(67, 84)
SIDE = 62
KEPT_PICTURES = 3000
HALF_LATER_MS = 30


class Pictures:
    """Renders the images on demand and caches them per theme."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._made: OrderedDict[int, QImage] = OrderedDict()
        self._small: OrderedDict[int, QPixmap] = OrderedDict()
        self._source: NDArray[np.uint8] | None = None
        self.as_stored = False
        theme.changed.connect(self._forget)

    def set_source(self, pictures: NDArray[np.uint8] | None) -> None:
        """Set the images: uint8 [rows, h, w] or [rows, h, w, 3]; None for tables."""
        if pictures is not self._source:
            self._source = pictures
            self._forget()

    def set_as_stored(self, as_stored: bool) -> None:
        """Show them as stored (white on black), or dark on light."""
        self.as_stored = as_stored
        self._forget()

    def _forget(self) -> None:
        self._made.clear()
        self._small.clear()

    def small(self, row: int, side: int, ratio: float) -> QPixmap | None:
        """The image fitted into a square of `side` pixels, ready for painting."""
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
    """The rows in display order, each with the figure shown below it.

    `figures_changed` replaces `dataChanged`, on which a list view lays out all its items again.
    """

    figures_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.samples: Samples | None = None
        self.order: NDArray[np.int64] = np.empty(0, np.int64)
        self._figures: NDArray[np.float64] | None = None
        self.sets: Callable[[int], tuple[str, ...]] | None = None

    def show(
        self,
        samples: Samples,
        order: NDArray[np.int64],
        figures: NDArray[np.float64] | None,
        *,
        sets: Callable[[int], tuple[str, ...]] | None = None,
    ) -> None:
        """Show other rows, or another order. `figures` is [rows]; None shows the row numbers.

        `sets` gives the names in the promised set of a row, shown as chips in place of the figure.
        """
        self.sets = sets
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
        """The position of a row, or -1."""
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
            held = "" if self.sets is None else f"; set: {', '.join(self.sets(row)) or 'none fits, strange'}"
            noun, share = row_noun(self.samples).capitalize(), percent(scores.mean[row, said])
            return f"{noun} {row + 1:,}: {names[said]} {share}, {word}{held}"
        return None


class ImageDelegate(QStyledItemDelegate):
    """Paints an image in its frame, a disc with check mark or cross, and the figure below."""

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
        if model.sets is None:
            painter.drawText(words, Qt.AlignmentFlag.AlignCenter, model.figure(row))
        else:
            paint_chips(painter, self._theme, words, model.sets(row), selected=selected)
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRectF, samples: Samples, row: int, right: bool | None) -> None:
        """`right` is None for an image of another data set, for which no class is correct."""
        frame = self._theme.color("border" if right is None else "right" if right else "wrong")
        paint_frame(painter, self._theme, box, None, frame.name())
        device = painter.device()
        picture = self._pictures.small(row, SIDE - 6, device.devicePixelRatio() if device is not None else 1.0)
        if picture is not None:
            size = picture.deviceIndependentSize()
            middle = box.center()
            painter.drawPixmap(QPointF(middle.x() - size.width() / 2, middle.y() - size.height() / 2), picture)
        elif samples.rows.values is not None:
            painter.setFont(self._theme.font(11))
            painter.setPen(self._theme.color("text2"))
            said = samples.rows.class_names[int(samples.scores.winner[row])]
            short = painter.fontMetrics().elidedText(said, Qt.TextElideMode.ElideRight, SIDE - 10)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"row {row + 1:,}\n{short}")
        if right is not None:
            paint_disc(painter, self._theme, QRectF(box.right() - 13, box.top() - 1, 14, 14), right)


def paint_chips(painter: QPainter, theme: Theme, room: QRectF, names: tuple[str, ...], *, selected: bool) -> None:
    """The names of a set as chips side by side, or how many there are; one dashed chip for an empty set."""
    painter.setFont(theme.font(10))
    metrics = painter.fontMetrics()
    texts = list(names) or ["strange"]
    widths = [max(metrics.horizontalAdvance(text) + 8, 15) for text in texts]
    if sum(widths) + 2 * (len(texts) - 1) > room.width():
        first = metrics.elidedText(texts[0], Qt.TextElideMode.ElideRight, int(room.width()) - (42 if names[1:] else 10))
        texts = [first, f"+{len(texts) - 1}"] if len(texts) > 1 else [first]
        widths = [max(metrics.horizontalAdvance(text) + 8, 15) for text in texts]
    x = room.center().x() - (sum(widths) + 2 * (len(texts) - 1)) / 2
    ink = theme.color("on_accent" if selected else "text" if names else "text2")
    for text, wide in zip(texts, widths, strict=True):
        box = QRectF(x, room.center().y() - 7.5, wide, 15)
        painter.setPen(QPen(theme.color("on_accent" if selected else "strong"), 1, Qt.PenStyle.SolidLine))
        if not names:
            painter.setPen(QPen(painter.pen().color(), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 7.5, 7.5)
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        x += wide + 2


def paint_frame(painter: QPainter, theme: Theme, box: QRectF, picture: QImage | None, frame: str) -> None:
    """An image inset by 3 px in a 2 px frame."""
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
    """A check mark or cross on a coloured disc, so that colour is not the only sign."""
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
        keeps_choice(self)
        self.setObjectName(name)
        self.images = ImageModel(self)
        self.setModel(self.images)
        self.setItemDelegate(ImageDelegate(theme, pictures, self))
        # A wrapping list, not icon mode, which keeps a search tree of all items and lays them out slowly.
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
        # In two event-loop iterations: thirty images at once would block the loop for more than a frame.
        self._lower = QTimer(self, singleShot=True, interval=HALF_LATER_MS)
        self._lower.timeout.connect(lambda: self.viewport().update(self._halves()[1]))
        self.images.figures_changed.connect(self._draw_figures)

    def _halves(self) -> tuple[QRect, QRect]:
        """The upper and the lower half of the visible part."""
        area = self.viewport().rect()
        rows = max(area.height() // CELL.height() // 2, 1) * CELL.height() - self.verticalOffset() % CELL.height()
        return area.adjusted(0, 0, 0, rows - area.height()), area.adjusted(0, rows, 0, 0)

    def _draw_figures(self) -> None:
        self.viewport().update(self._halves()[0])
        self._lower.start()

    def chosen(self) -> int:
        """The selected image's row, or -1."""
        index = self.currentIndex()
        return self.images.row_of(index.row()) if index.isValid() else -1

    def choose(self, row: int) -> bool:
        """Select a row and scroll to it; False if it is not shown."""
        place = self.images.place_of(row)
        if place < 0:
            self.clearSelection()
            return False
        index = self.images.index(place)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        return True
