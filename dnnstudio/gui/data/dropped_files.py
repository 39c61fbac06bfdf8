"""Files that come in by the mouse or the clipboard: their paths, and text that is a table."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData


def local_paths(mime: QMimeData) -> tuple[Path, ...]:
    """The files and folders of this computer that a drag or the clipboard brings."""
    return tuple(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile())
