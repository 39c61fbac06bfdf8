"""Rows and their reconstructions: images as thumbnails, other rows as two lines, with the error of each below."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.jobs.results import Reconstructions
from dnnstudio.gui.data.thumbnails import ink
from dnnstudio.gui.plots.sentences import short_number
from dnnstudio.gui.theme import Theme

SMALLEST, LARGEST = 40, 120
"""Side of a picture in pixels."""
GAP, BETWEEN, WORDS = 16, 4, 18


class PairsView(QWidget):
    """A page of pairs, the original above its reconstruction: `COLUMNS` × `ROWS` of them."""

    COLUMNS, ROWS = 8, 3

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reconstruction_pairs")
        self._theme = theme
        self.result: Reconstructions | None = None
        self._images: list[tuple[QImage, QImage]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._draw)

    @property
    def page(self) -> int:
        """The number of pairs per page."""
        return self.COLUMNS * self.ROWS

    def show_pairs(self, result: Reconstructions | None) -> None:
        """Show these pairs, at most a page of them; None clears the view."""
        self.result = result
        errors = [] if result is None else [short_number(float(error)) for error in result.errors]
        self.setAccessibleName("Originals above what the autoencoder draws")
        self.setAccessibleDescription("Errors: " + ", ".join(errors) if errors else "")
        self._draw()

    def _draw(self) -> None:
        colors = self._theme.tokens()
        self._images = []
        if self.result is not None and self.result.pictures:
            pairs = zip(_flat(self.result.originals), _flat(self.result.drawn), strict=True)
            low, high = colors.ink_low, colors.ink_high
            self._images = [(ink(before, low, high), ink(after, low, high)) for before, after in pairs]
        self.update()

    def places(self) -> list[QRect]:
        """The rectangles of each pair: two squares above each other, and a line of text."""
        if self.result is None:
            return []
        side = self._side()
        wide, high = side + GAP, 2 * side + BETWEEN + WORDS + GAP
        left = max((self.width() - wide * self.COLUMNS + GAP) // 2, 0)
        found = []
        for number in range(min(len(self.result.errors), self.page)):
            row, column = divmod(number, self.COLUMNS)
            found.append(QRect(left + column * wide, row * high, side, 2 * side + BETWEEN + WORDS))
        return found

    def _side(self) -> int:
        wide = (self.width() + GAP) // self.COLUMNS - GAP
        high = ((self.height() + GAP) // self.ROWS - GAP - WORDS - BETWEEN) // 2
        return max(min(wide, high, LARGEST), SMALLEST)

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return self._size(84)

    def minimumSizeHint(self) -> QSize:
        return self._size(SMALLEST)

    def _size(self, side: int) -> QSize:
        return QSize(self.COLUMNS * (side + GAP) - GAP, self.ROWS * (2 * side + BETWEEN + WORDS + GAP) - GAP)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.result is None:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        for number, place in enumerate(self.places()):
            side = place.width()
            boxes = [QRectF(place.x(), place.y() + half * (side + BETWEEN), side, side) for half in range(2)]
            if self._images:
                for box, image in zip(boxes, self._images[number], strict=True):
                    self._paint_image(painter, box, image)
            else:
                rows = (self.result.originals[number], self.result.drawn[number])
                self._paint_lines(painter, boxes[0].united(boxes[1]), rows)
            painter.setFont(self._theme.font(11))
            painter.setPen(self._theme.color("text2"))
            words = QRect(place.x() - GAP // 2, place.bottom() - WORDS + 1, side + GAP, WORDS)
            text = short_number(float(self.result.errors[number]))
            painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.end()

    def _paint_image(self, painter: QPainter, box: QRectF, image: QImage) -> None:
        path = QPainterPath()
        path.addRoundedRect(box, 6, 6)
        painter.save()
        painter.fillPath(path, self._theme.color("ink_low"))
        painter.setClipPath(path)
        scale = min(box.width() / image.width(), box.height() / image.height())
        target = QRectF(0, 0, image.width() * scale, image.height() * scale)
        target.moveCenter(box.center())
        ratio = self.devicePixelRatioF()
        size = (target.size() * ratio).toSize()
        fitted = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        painter.drawImage(target, fitted)
        painter.restore()

    def _paint_lines(
        self, painter: QPainter, box: QRectF, rows: tuple[NDArray[np.float32], NDArray[np.float32]]
    ) -> None:
        values = np.stack([row.ravel() for row in rows]).astype(np.float64)
        low, span = float(values.min()), float(np.ptp(values)) or 1.0
        painter.fillRect(box, self._theme.color("inset"))
        xs = np.linspace(box.left() + 3, box.right() - 3, max(values.shape[1], 2))
        for line, color in zip(values, ("text2", "accent"), strict=True):
            ys = box.bottom() - 3 - (line - low) / span * (box.height() - 6)
            painter.setPen(QPen(self._theme.color(color), 1.2))
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in zip(xs, ys, strict=False)]))


def _flat(pictures: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Each image as [h, w] or [h, w, 3]; a single channel becomes grey."""
    return [picture[..., 0] if picture.ndim == 3 and picture.shape[-1] == 1 else picture for picture in pictures]
