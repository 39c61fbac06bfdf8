"""A report as a PDF, set by Qt's own text document: no browser."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection
from pathlib import Path

from markupsafe import Markup
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QFont,
    QGuiApplication,
    QImage,
    QImageWriter,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextFormat,
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
MARGIN_MM = 18
FOOT = 30
"""Pixels below the text for the number of the page."""
ALONE = 110
"""A heading with fewer pixels below it goes to the next page, so that something of its section follows it."""
MOST_LEAD = 4
"""So many blocks at most between a heading and its table go to the next page with both."""


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
    draw_pages(document_of(report, without=without), writer)
    del writer  # which ends the file
    write_atomically(path, bytes(buffer.data().data()))


def draw_pages(document: QTextDocument, writer: QPdfWriter) -> None:
    """Lay the document out on the writer's pages and draw them, each with its number."""
    width, height = writer.width(), writer.height() - FOOT
    document.documentLayout().setPaintDevice(writer)
    whole = document.rootFrame().frameFormat()
    whole.setMargin(0)
    whole.setPadding(0)
    document.rootFrame().setFrameFormat(whole)
    document.setPageSize(QSizeF(width, height))
    _keep_headings(document, height)
    painter = QPainter(writer)
    for page in range(document.pageCount()):
        if page:
            writer.newPage()
        painter.save()
        painter.translate(0, -page * height)
        document.drawContents(painter, QRectF(0, page * height, width, height))
        painter.restore()
        painter.drawText(QRectF(0, height, width, FOOT), Qt.AlignmentFlag.AlignRight, str(page + 1))
    painter.end()


def _keep_headings(document: QTextDocument, height: int) -> None:
    """Begin a page with each heading that would stand alone at the end of one: Qt has no "keep with next".

    So does what leads a table whose head would stand there without its first rows.
    """
    layout = document.documentLayout()

    def page_of(block: QTextBlock) -> int:
        return int(layout.blockBoundingRect(block).bottom() // height)

    block = document.begin()
    while block.isValid():
        following = block.next()
        if block.blockFormat().headingLevel() and following.isValid():
            page, bottom = page_of(block), layout.blockBoundingRect(block).bottom()
            if page_of(following) != page or (page + 1) * height - bottom < ALONE:
                _begin_page_with(document, block)
        table = QTextCursor(following).currentTable() if following.isValid() else None
        if table is not None and QTextCursor(block).currentTable() is None:
            third = table.cellAt(min(2, table.rows() - 1), 0).firstCursorPosition().block()
            lead = _lead_of(block)
            if page_of(third) != page_of(lead):
                _begin_page_with(document, lead)
        block = following


def _lead_of(block: QTextBlock) -> QTextBlock:
    """Where what leads a table begins, whose last block before it is given: its heading, or its caption alone."""
    lead = block
    for _ in range(MOST_LEAD):
        if lead.blockFormat().headingLevel():
            return lead
        lead = lead.previous()
        if not lead.isValid() or QTextCursor(lead).currentTable() is not None:
            break
    return block


def _begin_page_with(document: QTextDocument, block: QTextBlock) -> None:
    apart = block.blockFormat()
    apart.setPageBreakPolicy(QTextFormat.PageBreakFlag.PageBreak_AlwaysBefore)
    QTextCursor(block).setBlockFormat(apart)
    document.markContentsDirty(0, document.characterCount())  # what follows alone is laid out wrongly


def write_pdf_without_window(report: Report, path: Path, *, without: Collection[str] = ()) -> None:
    """The same where no window is open, on a machine without a display too. Raises `UserError`."""
    application = QGuiApplication.instance()
    if application is None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        application = QApplication([])
    write_pdf(report, path, without=without)
