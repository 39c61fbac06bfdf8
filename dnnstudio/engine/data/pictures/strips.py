"""Large pictures in a few megabytes beside their pixels: converted and reduced strip by strip, one picture at a time.

What comes out equals, bit for bit, what Pillow makes of the whole picture by `convert` and `resize`, which would hold
two to four copies of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import byte_size
from dnnstudio.engine.backend.memory import most_of

STRIP_PIXELS = 2**20
LARGE_PIXELS = 2**22
"""A picture of more pixels is decoded while no other large one is."""
REDUCING_GAP = 3.0
"""Pillow's word for how far a cheap reduction may come near the wanted size: 3 cannot be told from none."""
_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "LA": 4}
_WEBP_BYTES = 8
_one_large = threading.Lock()


@contextmanager
def room_for(image: Image.Image, file_bytes: int) -> Iterator[None]:
    """Decode a picture within the block. Raises `UserError` with the reason alone where it would take far more memory
    than a file of so many bytes should.
    """
    pixels = image.width * image.height
    each = _WEBP_BYTES if image.format == "WEBP" else _BYTES.get(image.mode, 4)
    if pixels * each > most_of(file_bytes):
        raise UserError(f"{image.width:,} × {image.height:,} pixels are too many for {byte_size(file_bytes)}")
    with _one_large if pixels > LARGE_PIXELS else nullcontext():
        yield


def strips(image: Image.Image, rows: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """The picture in strips from top to bottom, each with its first row, whose heights are multiples of `rows`."""
    height = max(1, STRIP_PIXELS // (image.width * rows)) * rows
    for top in range(0, image.height, height):
        yield top, image.crop((0, top, image.width, min(top + height, image.height)))


def scaled(
    image: Image.Image, mode: str, width: int, height: int, convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """`image`, each strip of which `convert` brings to `mode`, scaled to a size.

    As `convert(image).resize((width, height), BILINEAR, reducing_gap=3)`, if `convert` looks at single pixels only.
    """
    across = int(image.width / width / REDUCING_GAP) or 1
    down = int(image.height / height / REDUCING_GAP) or 1
    small = Image.new(mode, (-(-image.width // across), -(-image.height // down)))
    for top, strip in strips(image, down):
        made = convert(strip)
        small.paste(made.reduce((across, down)) if across > 1 or down > 1 else made, (0, top // down))
    if image.size == (width, height):
        return small
    return small.resize(
        (width, height), Image.Resampling.BILINEAR, box=(0, 0, image.width / across, image.height / down)
    )


def on_white(layer: Image.Image) -> Image.Image:
    """What is see-through, seen on white, as viewers show it: mode RGBA."""
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
