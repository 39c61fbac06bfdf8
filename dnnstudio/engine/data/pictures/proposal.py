"""The source that suits a folder of pictures: their usual size, and colour where there is any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Pictures
from dnnstudio.engine.data.pictures.decode import decode, quiet_pillow
from dnnstudio.engine.data.pictures.layout import list_pictures
from dnnstudio.engine.data.reading import Watch

MAX_SIDE = 64
"""Pictures are proposed at their own size, up to so many pixels a side: larger ones make a first training slow."""
LOOKED_AT = 100
COLOR_SIDE = 32
COLOR_STEP = 12
"""Channels that differ less than so many levels of 255 are the grey of a file kept in colour (JPEG's rounding)."""


def propose_pictures(folder: Path, watch: Watch | None = None) -> Pictures:
    """Height, width and colour as the pictures have them. Raises `UserError` where there are no classes."""
    watch = watch or Watch()
    source = Pictures(path=str(folder))
    files = list_pictures(source, watch).files
    looked_at = files[:: max(1, len(files) // LOOKED_AT)]
    sizes: list[tuple[int, int]] = []
    color = False
    with quiet_pillow():
        for path in looked_at:
            watch.check()
            size = _size(path)
            if size is not None:
                sizes.append(size)
                color = color or _is_colored(path)
    if not sizes:
        raise UserError(f"None of the pictures in {folder} can be read.", "Choose another folder.")
    height, width = proposed_size(sizes)
    return source.replaced(height=height, width=width, color=color)


def proposed_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Height and width: the median of (width, height) pairs, shrunk alike where the longer side is above `MAX_SIDE`."""
    width, height = median(size[0] for size in sizes), median(size[1] for size in sizes)
    shrink = min(1.0, MAX_SIDE / max(width, height))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height as a person sees them, from the header alone; None where it cannot be read."""
    try:
        with Image.open(path) as picture:
            turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return (picture.height, picture.width) if turned else picture.size
    except Exception:  # a damaged file makes Pillow's readers raise nearly anything
        return None


def _is_colored(path: Path) -> bool:
    try:
        values = decode(path, COLOR_SIDE, COLOR_SIDE, color=True).values
    except UserError:
        return False
    spread = values.max(axis=2).astype(np.float32) - values.min(axis=2)
    return bool((spread > COLOR_STEP).any())
