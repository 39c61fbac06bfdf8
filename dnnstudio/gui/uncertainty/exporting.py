"""Copies and files of the present view: PNG, SVG, CSV and NPZ."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import SCORES


def picture_of(widget: QWidget, *, scale: float = 2.0) -> QPixmap:
    """The widget as an image at twice its screen size."""
    picture = QPixmap(widget.size() * scale)
    picture.setDevicePixelRatio(scale)
    picture.fill(widget.palette().window().color())
    widget.render(picture)
    return picture


def save_png(widget: QWidget, path: Path) -> None:
    """Write `widget` as a PNG at twice its screen size. Raises `UserError` if the file cannot be written."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture_of(widget).save(buffer, "PNG")
    buffer.close()
    write_atomically(path, bytes(data.data()))


def save_svg(widget: QWidget, path: Path) -> None:
    """Write the painted parts as SVG, with scalable lines and text. Raises `UserError` if the file cannot
    be written.
    """
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(widget.width(), widget.height()))
    generator.setViewBox(QRect(0, 0, widget.width(), widget.height()))
    generator.setTitle(widget.accessibleName() or "dnnstudio")
    painter = QPainter(generator)
    painter.fillRect(QRect(0, 0, widget.width(), widget.height()), widget.palette().window())
    widget.render(painter, QPoint())
    painter.end()
    buffer.close()
    write_atomically(path, bytes(data.data()))


def table_of(samples: Samples, rows: NDArray[np.int64] | None = None) -> str:
    """One line per image: prediction, label, every score, and mean and standard deviation per class."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names, scores = samples.rows.class_names, samples.scores
    head = ["image", "label", "said", "vote", "dropout_off", "right", *SCORES]
    head += [f"mean {name}" for name in names] + [f"std {name}" for name in names]
    writer.writerow(head)
    off = samples.rows.deterministic.argmax(axis=1)
    for row in range(len(samples.rows)) if rows is None else rows.tolist():
        answers = (samples.rows.labels[row], scores.winner[row], scores.vote[row], off[row])
        figures = [f"{scores.values[name][row]:.9g}" for name in SCORES]
        figures += [f"{value:.7g}" for value in (*scores.mean[row], *scores.std[row])]
        right = int(scores.winner[row] == samples.rows.labels[row])
        writer.writerow([row, *(names[int(answer)] for answer in answers), right, *figures])
    return out.getvalue()


def save_text(text: str, path: Path) -> None:
    """Write a text, such as a table's. Raises `UserError` if the file cannot be written."""
    write_atomically(path, text.encode())


def save_npz(samples: Samples | NumberSamples, path: Path) -> None:
    """Write the same arrays as `dnnstudio uncertainty`. Raises `UserError` if the file cannot be written."""

    def fill(file: BinaryIO) -> None:
        np.savez(file, **samples.arrays())  # type: ignore[arg-type]

    write_atomically(path, fill)


def figures_of(samples: Samples, row: int) -> str:
    """One image's figures as tab-separated lines, for a spreadsheet or a letter."""
    names, scores = samples.rows.class_names, samples.scores
    lines = ["class\tmean\tstandard deviation\tvotes\tdropout off"]
    for number in np.argsort(-scores.mean[row], kind="stable").tolist():
        figures = (scores.mean[row, number], scores.std[row, number])
        words = "\t".join(f"{value:.4f}" for value in figures)
        off = samples.rows.deterministic[row, number]
        lines.append(f"{names[number]}\t{words}\t{scores.votes[row, number]}\t{off:.4f}")
    lines += [f"{score.title}\t{scores.uncertainty(score.name)[row]:.4f}" for score in samples.telling_scores]
    return "\n".join(lines) + "\n"
