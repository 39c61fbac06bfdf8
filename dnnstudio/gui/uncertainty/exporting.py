"""Copies and files of what is shown: PNG, SVG, CSV and NPZ."""

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

from dnnstudio.core.files import write_atomically
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import DOUBTS

SCORE_COLUMNS = (
    "predictive_entropy",
    "expected_entropy",
    "mutual_information",
    "variation_ratio",
    "winner_std",
    "margin",
    "max_probability",
)


def picture_of(widget: QWidget, *, scale: float = 2.0) -> QPixmap:
    """What the widget shows, twice as fine as on the screen."""
    picture = QPixmap(widget.size() * scale)
    picture.setDevicePixelRatio(scale)
    picture.fill(widget.palette().window().color())
    widget.render(picture)
    return picture


def save_png(widget: QWidget, path: Path) -> None:
    """Raises `UserError`."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture_of(widget).save(buffer, "PNG")
    buffer.close()
    write_atomically(path, bytes(data.data()))


def save_svg(widget: QWidget, path: Path) -> None:
    """The painted parts as lines and words that can be scaled. Raises `UserError`."""
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
    """A line an image: what was said, the label, every score, and mean and standard deviation a class."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names, scores = samples.rows.class_names, samples.scores
    head = ["image", "label", "said", "vote", "dropout_off", "right", *SCORE_COLUMNS]
    head += [f"mean {name}" for name in names] + [f"std {name}" for name in names]
    writer.writerow(head)
    off = samples.rows.deterministic.argmax(axis=1)
    for row in range(len(samples.rows)) if rows is None else rows.tolist():
        answers = (samples.rows.labels[row], scores.winner[row], scores.vote[row], off[row])
        figures = [f"{getattr(scores, name)[row]:.9g}" for name in SCORE_COLUMNS]
        figures += [f"{value:.7g}" for value in (*scores.mean[row], *scores.std[row])]
        right = int(scores.winner[row] == samples.rows.labels[row])
        writer.writerow([row, *(names[int(answer)] for answer in answers), right, *figures])
    return out.getvalue()


def save_csv(samples: Samples, path: Path) -> None:
    """Raises `UserError`."""
    write_atomically(path, table_of(samples).encode())


def save_npz(samples: Samples, path: Path) -> None:
    """The same arrays as `dnnstudio uncertainty` writes. Raises `UserError`."""

    def fill(file: BinaryIO) -> None:
        np.savez(file, **samples.arrays())  # type: ignore[arg-type]

    write_atomically(path, fill)


def figures_of(samples: Samples, row: int) -> str:
    """One image as lines of text with tabs, for a table or a letter."""
    names, scores = samples.rows.class_names, samples.scores
    lines = ["class\tmean\tstandard deviation\tvotes\tdropout off"]
    for number in np.argsort(-scores.mean[row], kind="stable").tolist():
        figures = (scores.mean[row, number], scores.std[row, number])
        words = "\t".join(f"{value:.4f}" for value in figures)
        off = samples.rows.deterministic[row, number]
        lines.append(f"{names[number]}\t{words}\t{scores.votes[row, number]}\t{off:.4f}")
    lines += [f"{title}\t{scores.doubt(name)[row]:.4f}" for name, title in DOUBTS.items()]
    return "\n".join(lines) + "\n"
