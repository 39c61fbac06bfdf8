"""A report as a PDF, set by Qt's own text document: no browser."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection
from pathlib import Path

from markupsafe import Markup
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF
from PySide6.QtGui import (
    QFont,
    QGuiApplication,
    QImage,
    QImageWriter,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextDocument,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.report.charts import HEIGHT, WIDTH, svg
from dnnstudio.report.page import render
from dnnstudio.report.sections import Chart, Report

FINER = 3
"""Pixels of a chart for each unit of its drawing."""
DPI = 96
MARGIN_MM = 16


def as_image(chart: Chart) -> Markup:
    """A chart as a picture within the text, which Qt's document shows."""
    image = QImage(WIDTH * FINER, HEIGHT * FINER, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(str(svg(chart, alone=True)).encode())).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    text = base64.b64encode(bytes(buffer.data().data())).decode()
    return Markup('<img src="data:image/png;base64,{}" width="{}" height="{}">').format(text, WIDTH, HEIGHT)


def document_of(report: Report, *, without: Collection[str] = ()) -> QTextDocument:
    """The report as a text document, for a preview or a PDF. Needs a `QGuiApplication`."""
    document = QTextDocument()
    document.setDefaultFont(QFont("sans-serif", 9))
    document.setHtml(render(report, without=without, draw=as_image))
    return document


def write_pdf(report: Report, path: Path, *, without: Collection[str] = ()) -> None:
    """Write the PDF, whole or not at all. Raises `UserError`."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(report.title)
    writer.setCreator("dnnstudio")
    writer.setResolution(DPI)
    writer.setPageLayout(
        QPageLayout(
            QPageSize(QPageSize.PageSizeId.A4),
            QPageLayout.Orientation.Portrait,
            QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM),
            QPageLayout.Unit.Millimeter,
        )
    )
    document = document_of(report, without=without)
    document.print_(writer)
    del writer  # which ends the file
    write_atomically(path, bytes(buffer.data().data()))


def write_pdf_without_window(report: Report, path: Path, *, without: Collection[str] = ()) -> None:
    """The same where no window is open, on a machine without a display too. Raises `UserError`."""
    application = QGuiApplication.instance()
    if application is None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        application = QApplication([])
    write_pdf(report, path, without=without)
