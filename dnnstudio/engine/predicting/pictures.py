"""New pictures, read and scaled as the run's own were: by the same decoder, and with the same white."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.pictures.decode import FORMATS, Pixels, decode, quiet_pillow
from dnnstudio.engine.data.pictures.folder import read_picture
from dnnstudio.engine.data.pictures.ground import Ground, is_reversed
from dnnstudio.engine.data.pictures.many import EIGHT_BITS, scale_of
from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.predicting.items import Item


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
        values = self._stored(pixels)
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

    def _stored(self, pixels: Pixels) -> Array:
        """The pixels in the unit of the run's rows: white of the file is white of the rows."""
        if self.full_scale is None:  # no depth fitted the run's pictures: their numbers stayed as they stood there
            stored: Array = pixels.values.astype(np.float32)
            return stored.reshape(self.shape)
        white = self.full_scale
        own = EIGHT_BITS
        if pixels.deep:  # one picture tells its depth by its highest value, unless the run's rows are as deep
            found = scale_of(pixels.lowest, pixels.highest, whole=pixels.whole)
            own = white if white > EIGHT_BITS and pixels.highest <= white and pixels.whole else found or white
        rows: Array = pixels.values if own == white else pixels.values * (np.float64(white) / own)
        return rows.reshape(self.shape)
