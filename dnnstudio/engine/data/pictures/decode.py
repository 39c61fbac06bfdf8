"""One picture file to pixels, by Pillow: upright, on white, scaled; deep greys keep their stored values."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import reason_of
from dnnstudio.engine.data.pictures.strips import on_white, room_for, scaled

MAX_PIXELS = 40_000_000
MAX_SIDE = 65_535
"""As in a JPEG. Pillow keeps a pointer a row, beside the pixels."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What Pillow may try; its other formats are rare, or call other programs (EPS)."""
DEEP_MODES = ("I", "F")


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture as [height, width] or [height, width, 3].

    `values` are uint8, or float32 in the units of the file where it is `deep` (more than 8 bits a pixel). `lowest` and
    `highest` are those of the file before it was scaled, of deep pictures only. `alpha` says that something was see-
    through and is now white; `cut` that 16 bits a colour were brought to 8. `size` is the width and height of the file.
    """

    values: NDArray[Any]
    deep: bool = False
    lowest: float = 0.0
    highest: float = 0.0
    whole: bool = True
    alpha: bool = False
    cut: bool = False
    size: tuple[int, int] = (0, 0)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Without Pillow's warnings on odd files: what cannot be used is refused here, by its header.

    Filters of warnings belong to the whole process, so this stands around all threads that decode, not in them.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


logging.getLogger("PIL").addHandler(logging.NullHandler())  # it logs what it refuses, which is told by a sentence here


def require_size(image: Image.Image) -> None:
    """Refuse a picture without pixels or of too many, by its header. Raises `UserError` with the reason alone."""
    if image.width < 1 or image.height < 1:
        raise UserError("it has no pixels")
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise UserError(f"{image.width:,} × {image.height:,} pixels are too many")


def decode(path: Path, height: int, width: int, *, color: bool) -> Pixels:
    """The pixels of a file. Raises `UserError` with the reason alone, such as "damaged or cut off"."""
    try:
        with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
            require_size(image)
            size = image.size  # before a JPEG is decoded at a fraction of it
            file_bytes = os.fstat(file.fileno()).st_size
            return replace(_pixels(image, file_bytes, height, width, color=color), size=size)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError("too many pixels") from None
    except UnidentifiedImageError:
        raise UserError("not a picture of a known format") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        reason = reason_of(error) if isinstance(error, OSError) and error.errno else "damaged or cut off"
        raise UserError(reason) from None


def is_deep(image: Image.Image) -> bool:
    """Whether the grey of a picture has more than 8 bits."""
    return image.mode in DEEP_MODES or image.mode.startswith("I;16")


def _pixels(image: Image.Image, file_bytes: int, height: int, width: int, *, color: bool) -> Pixels:
    cut = _has_deep_colors(image)
    mode, longest = "RGB" if color else "L", 2 * max(width, height)
    image.draft(mode, (longest, longest))  # a large JPEG is decoded at a half, a quarter or an eighth
    with room_for(image, file_bytes):
        ImageOps.exif_transpose(image, in_place=True)
        if is_deep(image):
            return _deep(image, height, width, color=color)
        see_through = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
        alpha = False

        def convert(strip: Image.Image) -> Image.Image:
            nonlocal alpha
            if see_through:
                layer = strip.convert("RGBA")
                alpha = alpha or layer.getchannel("A").getextrema() != (255, 255)
                strip = on_white(layer)
            return strip.convert(mode)

        picture = scaled(image, mode, width, height, convert)
    return Pixels(np.asarray(picture, np.uint8), alpha=alpha, cut=cut)


def _deep(image: Image.Image, height: int, width: int, *, color: bool) -> Pixels:
    lows, highs, whole = [], [], True

    def convert(strip: Image.Image) -> Image.Image:
        nonlocal whole
        stored = np.asarray(strip)
        values = stored.astype(np.float32)
        if not np.isfinite(values).all():
            raise UserError("it holds values that are not finite")
        whole = whole and (stored.dtype.kind in "iu" or bool((values == np.rint(values)).all()))
        lows.append(float(values.min()))
        highs.append(float(values.max()))
        return Image.fromarray(values)

    grey = np.asarray(scaled(image, "F", width, height, convert), np.float32)
    shown = np.repeat(grey[..., np.newaxis], 3, axis=2) if color else grey
    return Pixels(shown, deep=True, lowest=min(lows), highest=max(highs), whole=whole)


def _has_deep_colors(image: Image.Image) -> bool:
    """Whether a colour file has 16 bits a channel, of which Pillow gives the upper 8."""
    if not image.mode.startswith("RGB"):
        return False
    for tile in getattr(image, "tile", ()):
        for item in tile[3] if isinstance(tile[3], tuple) else (tile[3],):
            if isinstance(item, str) and ";16" in item:
                return True
    return False
