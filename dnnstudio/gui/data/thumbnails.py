"""One thumbnail per class, as many as fit into the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dnnstudio.gui.theme import Theme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 32
GAP = 3


def ink(picture: NDArray[np.uint8], low: str, high: str) -> QImage:
    """A grey image [h, w] mapped from colour `low` (0) to `high` (255); an image [h, w, 3] unchanged."""
    import numpy as np  # there are no images at the first paint

    if picture.ndim == 2:
        colors = (QColor(low), QColor(high))
        ends = np.array([(color.red(), color.green(), color.blue()) for color in colors], dtype=np.float64)
        share = np.arange(256)[:, None] / 255
        table = np.round(ends[0] + (ends[1] - ends[0]) * share).astype(np.uint8)
        picture = table[picture]
    packed = np.ascontiguousarray(picture)
    height, width, _ = packed.shape
    # Without the copy the QImage would refer to memory that numpy frees.
    return QImage(packed.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class Thumbnails(QWidget):
    """The images with their names as tooltips. Hidden while there are none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.pictures: NDArray[np.uint8] | None = None
        self._names: Sequence[str] = ()
        self._drawn: list[QImage] = []
        self.setObjectName("thumbnails")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._draw)
        self.set_pictures(None, ())

    def set_pictures(self, pictures: NDArray[np.uint8] | None, names: Sequence[str]) -> None:
        """Show `pictures` (uint8, [classes, h, w] or [classes, h, w, 3]) above their names."""
        self.pictures, self._names = pictures, names
        self.setAccessibleName("A training picture of each class: " + ", ".join(names) if names else "No pictures")
        self.setVisible(pictures is not None and len(pictures) > 0)
        self._draw()

    def _draw(self) -> None:
        colors = self._theme.tokens()
        pictures = () if self.pictures is None else self.pictures
        self._drawn = [ink(picture, colors.ink_low, colors.ink_high) for picture in pictures]
        self.update()

    def places(self) -> list[QRect]:
        """The rectangle of each image that fits, spread over the whole width."""
        fitting = max((self.width() + GAP) // (SIDE + GAP), 1)
        count = min(len(self._drawn), fitting)
        spread = (self.width() - SIDE) / (fitting - 1) if fitting > 1 and len(self._drawn) >= fitting else SIDE + GAP
        return [QRect(round(number * spread), 0, SIDE, SIDE) for number in range(count)]

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def minimumSizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        ratio = self.devicePixelRatioF()
        for place, picture in zip(self.places(), self._drawn, strict=False):
            path = QPainterPath()
            path.addRoundedRect(QRectF(place), 6, 6)
            painter.save()
            painter.fillPath(path, self._theme.color("ink_low"))
            painter.setClipPath(path)
            side = round(SIDE * ratio)
            fitted = picture.scaled(
                side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            fitted.setDevicePixelRatio(ratio)
            size = fitted.deviceIndependentSize()
            left, top = (SIDE - size.width()) / 2, (SIDE - size.height()) / 2
            painter.drawImage(QRectF(place.x() + left, place.y() + top, size.width(), size.height()), fitted)
            painter.restore()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for number, place in enumerate(self.places()):
                if place.contains(event.pos()) and number < len(self._names):
                    QToolTip.showText(event.globalPos(), self._names[number], self)
                    return True
            QToolTip.hideText()
            return True
        return super().event(event)
