"""New pictures, read and scaled as the run's own were: by the same decoder, and with the same white."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.pictures.decode import FORMATS, Pixels, decode, is_deep, quiet_pillow
from dnnstudio.engine.data.pictures.folder import read_picture
from dnnstudio.engine.data.pictures.ground import Ground, is_reversed
from dnnstudio.engine.data.pictures.many import EIGHT_BITS, scale_of
from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.predicting.items import Item


@dataclass(slots=True)
class DeepWhite:
    """The white of all pictures with more than 8 bits of one call together, as of those that a network is trained on:
    one that is dark alone would be taken for one of fewer bits, and read too bright.

    `files` are all that is given; `count` how many pictures were read by that white.
    """

    files: Callable[[], Iterable[Path]] = tuple
    value: float | None = None
    count: int = 0
    _lowest: float = 0.0
    _highest: float = 0.0
    _whole: bool = True
    _looked: bool = False

    def with_one(self, pixels: Pixels, watch: Watch) -> float | None:
        """The white by which `pixels`, one of them, are read; None where no depth fits."""
        self._add(pixels)
        if not self._looked:
            self._looked = True
            for path in self.files():
                watch.check()
                with quiet_pillow(), contextlib.suppress(UserError):  # what cannot be read is said when its turn comes
                    if _is_deep_file(path):
                        self._add(decode(path, 1, 1, color=False))
        self.value = scale_of(self._lowest, self._highest, whole=self._whole)
        self.count += 1
        return self.value

    def _add(self, pixels: Pixels) -> None:
        self._lowest = min(self._lowest, pixels.lowest)
        self._highest = max(self._highest, pixels.highest)
        self._whole = self._whole and pixels.whole


def _is_deep_file(path: Path) -> bool:
    """By its header; False for what is no picture."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return is_deep(image)
    except Exception:  # a damaged file makes Pillow raise nearly anything
        return False


@dataclass(frozen=True, slots=True)
class PictureReader:
    """Reads pictures as rows of `shape`: [h, w] or [h, w, 1] in grey, [h, w, 3] in colour.

    `full_scale` is the stored value of white; None where the run's arrays do not tell it, and then no picture can be
    brought to their unit, unless they come `as_stored`: the run's rows were pictures whose own numbers are the unit.
    `old_folder` is a run on the source `image_folder`, which has a decoder of its own: grey of
    16 bits becomes 8 bits there. `ground` is that of the training pictures: a picture with the reverse one is marked,
    and turned round if `invert`.
    """

    shape: tuple[int, ...]
    full_scale: float | None
    old_folder: bool = False
    as_stored: bool = False
    ground: Ground | None = None
    invert: bool = False
    deep: DeepWhite = field(default_factory=DeepWhite)

    @property
    def can_read(self) -> bool:
        """Whether picture files can be brought to the unit of the run's rows."""
        return self.full_scale is not None or self.as_stored

    def read(self, path: Path, watch: Watch) -> Iterator[Item]:
        """The one case that a picture is."""
        watch.check()
        if not self.can_read:
            raise UserError(
                f"{path.name} cannot be answered: the arrays that this network was trained on do not say which value "
                "is white.",
                "Give the pictures as an .npz file in the same unit.",
            )
        height, width, color = self.shape[0], self.shape[1], self.shape[2:] == (3,)
        try:
            with quiet_pillow():
                pixels = self._decoded(path, height, width, color=color)
        except UserError as error:
            yield Item(str(path), 1, error=f"{path.name}: {error.message}.")
            return
        size = pixels.size
        note = "" if size == (width, height) else f"{path.name} ({size[0]} × {size[1]})"
        values = self._stored(pixels, watch)
        white = self.full_scale
        turned = self.ground is not None and white is not None and is_reversed(values, white, self.ground)
        if turned and self.invert and white is not None:
            values = (white - values).astype(values.dtype)
        yield Item(str(path), 1, values=values, note=note, is_reversed=turned)

    def _decoded(self, path: Path, height: int, width: int, *, color: bool) -> Pixels:
        if not self.old_folder:
            return decode(path, height, width, color=color)
        values = read_picture(path, height, width, color=color)
        with Image.open(path, formats=FORMATS) as image:
            return Pixels(values, size=image.size)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the pictures that were read."""
        if not self.deep.count or self.deep.value is None:
            return ()
        count, white = self.deep.count, self.deep.value
        was = "was" if count == 1 else "were"
        return (
            f"{count_of(count, 'picture')} of more than 8 bits {was} read with {white:,g} as white, the depth that the "
            "brightest of all that were given fits.",
        )

    def _stored(self, pixels: Pixels, watch: Watch) -> Array:
        """The pixels in the unit of the run's rows: white of the file is white of the rows."""
        if self.full_scale is None:  # no depth fitted the run's pictures: their numbers stayed as they stood there
            stored: Array = pixels.values.astype(np.float32)
            return stored.reshape(self.shape)
        white = self.full_scale
        own = EIGHT_BITS
        if pixels.deep:  # they tell their depth by their highest value, unless the run's rows are as deep
            as_deep = white > EIGHT_BITS and pixels.highest <= white and pixels.whole
            own = white if as_deep else self.deep.with_one(pixels, watch) or white
        rows: Array = pixels.values if own == white else pixels.values * (np.float64(white) / own)
        return rows.reshape(self.shape)
