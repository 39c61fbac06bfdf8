"""A picture as it is and versions of it, in a square grid."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.data.thumbnails import ink
from dnnstudio.gui.theme import Theme

GAP = 8
SMALLEST = 300


class VersionsGrid(QWidget):
    """The pictures, each as large as fits; the first, which is not changed, has a frame."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.pictures: NDArray[np.uint8] | None = None
        self._drawn: list[QImage] = []
        self.setObjectName("augmented_pictures")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self._draw)

    def set_pictures(self, pictures: NDArray[np.uint8] | None) -> None:
        """Show `pictures` (uint8, [n, h, w] or [n, h, w, 3]), the unchanged one first; None for nothing."""
        self.pictures = pictures
        count = 0 if pictures is None else len(pictures) - 1
        self.setAccessibleName(f"The picture as it is, framed, and {count} versions of it" if count else "No pictures")
        self._draw()

    def _draw(self) -> None:
        colors = self._theme.tokens()
        pictures = () if self.pictures is None else self.pictures
        self._drawn = [ink(picture, colors.ink_low, colors.ink_high) for picture in pictures]
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(SMALLEST, SMALLEST)

    def minimumSizeHint(self) -> QSize:
        return QSize(SMALLEST, SMALLEST)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._drawn:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        columns = ceil(sqrt(len(self._drawn)))
        rows = ceil(len(self._drawn) / columns)
        side = min((self.width() - GAP * (columns + 1)) / columns, (self.height() - GAP * (rows + 1)) / rows)
        left = (self.width() - columns * (side + GAP) + GAP) / 2
        top = (self.height() - rows * (side + GAP) + GAP) / 2
        ratio = self.devicePixelRatioF()
        for number, picture in enumerate(self._drawn):
            row, column = divmod(number, columns)
            place = QRectF(left + column * (side + GAP), top + row * (side + GAP), side, side)
            path = QPainterPath()
            path.addRoundedRect(place, 6, 6)
            painter.save()
            painter.fillPath(path, self._theme.color("ink_low"))
            painter.setClipPath(path)
            # Small pictures keep their pixels: smoothing would hide what the augmentation does to them.
            small = max(picture.width(), picture.height()) * 2 < side * ratio
            mode = Qt.TransformationMode.FastTransformation if small else Qt.TransformationMode.SmoothTransformation
            size = round(side * ratio)
            fitted = picture.scaled(size, size, Qt.AspectRatioMode.KeepAspectRatio, mode)
            fitted.setDevicePixelRatio(ratio)
            shown = fitted.deviceIndependentSize()
            corner = QPointF((side - shown.width()) / 2, (side - shown.height()) / 2) + place.topLeft()
            painter.drawImage(QRectF(corner, shown), fitted)
            painter.restore()
            if number == 0:
                painter.setPen(QPen(self._theme.color("accent"), 2))
                painter.drawPath(path)
