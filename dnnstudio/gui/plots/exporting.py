"""Exports of a plot: bitmap, vector drawing, or the values of its curves."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.gui.plots.cards.curve_cards import PlotCard
from dnnstudio.gui.plots.items import keep_picture, keeps_picture
from dnnstudio.gui.theme import Theme

FINER = 2
"""A picture has so many pixels for one of the screen's."""
HEAD, MARGIN = 28, 12
COLUMNS = ("run", "curve", "epoch", "value")


def save_plot(card: PlotCard, theme: Theme, path: Path) -> None:
    """Write the plot in the format of the suffix: .png, .svg or .csv. Raises `UserError`."""
    make = {".png": picture, ".svg": drawing}.get(path.suffix.lower())
    write_atomically(path, make(card, theme) if make is not None else table(card).encode())


def table(card: PlotCard) -> str:
    """Every recorded value, one per line, unsmoothed: run, curve, epoch and value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for run, curve, epoch, value in card.values():
        writer.writerow((run, curve, f"{epoch:.10g}", f"{value:.9g}"))
    return out.getvalue()


def picture(card: PlotCard, theme: Theme) -> bytes:
    """The plot with its title as PNG, in the theme's colours."""
    size = _size(card)
    image = QImage(size * FINER, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(FINER)
    painter = QPainter(image)
    _paint(card, theme, painter)
    painter.end()
    data, buffer = _buffer()
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return _closed(data, buffer)


def drawing(card: PlotCard, theme: Theme) -> bytes:
    """The plot with its title as SVG, with scalable lines and text."""
    size = _size(card)
    data, buffer = _buffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(0, 0), size))
    generator.setTitle(card.title)
    painter = QPainter(generator)
    _paint(card, theme, painter)
    painter.end()
    return _closed(data, buffer)


def _buffer() -> tuple[QByteArray, QBuffer]:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return data, buffer


def _closed(data: QByteArray, buffer: QBuffer) -> bytes:
    buffer.close()
    return bytes(data.data())


def _size(card: PlotCard) -> QSize:
    return QSize(card.plot.width() + 2 * MARGIN, card.plot.height() + HEAD + 2 * MARGIN)


def _paint(card: PlotCard, theme: Theme, painter: QPainter) -> None:
    """Paint title, axis label, plot and legend, without buttons."""
    size = _size(card)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRect(QPoint(0, 0), size), theme.color("surface"))
    line = QRectF(MARGIN, MARGIN - 4, size.width() - 2 * MARGIN, HEAD)
    painter.setFont(theme.font(13, QFont.Weight.DemiBold))
    painter.setPen(theme.color("text"))
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, card.title)
    painter.setFont(theme.font(11))
    painter.setPen(theme.color("text2"))
    painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, card.note.text())
    painter.save()
    painter.translate(MARGIN, MARGIN + HEAD)
    view = card.plot.view
    marks = [item for item in view.scene().items() if isinstance(item, pg.ScatterPlotItem)]
    for item in marks:  # on the screen a marker is a cached pixmap, which would be too coarse here
        item.setExportMode(True)
    kept = [item for item in view.scene().items() if keeps_picture(item)]
    for each in kept:
        keep_picture(each, False)
    view.render(painter, QRectF(0, 0, view.width(), view.height()), view.viewport().rect())
    for item in marks:
        item.setExportMode(False)
    for each in kept:
        keep_picture(each)
    painter.restore()
    legend = card.plot.legend
    if legend is not None and legend.isVisibleTo(card):
        legend.keeps_picture = False
        legend.render(painter, QPoint(MARGIN, MARGIN + HEAD) + legend.pos())
        legend.keeps_picture = True
