"""Pictures that are decoded strip by strip: the same pixels as whole ones, in far less memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.pictures import strips
from dnnstudio.engine.data.pictures.decode import decode

MODES = ("1", "L", "P", "LA", "RGB", "RGBA", "I;16", "I", "F")


def picture(mode: str, width: int, height: int) -> Image.Image:
    """Noise in this mode, which a wrong strip would show at once."""
    chance = np.random.default_rng(len(mode) + width)
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        return Image.fromarray(chance.integers(0, 60_000, (height, width)).astype(kind))
    image = Image.fromarray(chance.integers(0, 256, (height, width, 4), dtype=np.uint8))
    return image.convert("RGB").convert("P") if mode == "P" else image.convert(mode)


def by_pillow(image: Image.Image, width: int, height: int, *, color: bool) -> np.ndarray:
    """The same of the whole picture, as Pillow's manual says it."""
    if image.mode in ("I;16", "I", "F"):
        image = Image.fromarray(np.asarray(image).astype(np.float32))
    else:
        if image.mode in ("LA", "RGBA"):
            layer = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        image = image.convert("RGB" if color else "L")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
    found = np.asarray(image)
    return np.repeat(found[..., None], 3, axis=2) if color and found.ndim == 2 else found


@pytest.mark.parametrize("size", [(28, 28), (97, 61), (211, 503), (640, 90)])
@pytest.mark.parametrize("mode", MODES)
def test_a_picture_in_strips_equals_the_whole_one_bit_for_bit(
    mode: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strips, "STRIP_PIXELS", 2_000)
    path = tmp_path / ("a.tif" if mode in ("I", "F") else "a.png")
    picture(mode, *size).save(path)
    for color in (False, True):
        with Image.open(path) as image:
            expected = by_pillow(image, 28, 28, color=color)
        found = decode(path, 28, 28, color=color)
        assert np.array_equal(found.values, expected)
        assert found.size == size
        if found.deep:
            stored = np.asarray(picture(mode, *size))
            assert (found.lowest, found.highest) == (stored.min(), stored.max())


def test_a_turned_picture_is_upright(tmp_path: Path) -> None:
    image = picture("RGB", 120, 60)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    image.save(tmp_path / "a.png", exif=exif)
    expected = by_pillow(image.transpose(Image.Transpose.ROTATE_270), 28, 28, color=True)
    assert np.array_equal(decode(tmp_path / "a.png", 28, 28, color=True).values, expected)


def test_a_small_file_of_very_many_pixels_is_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    Image.new("L", (5_000, 5_000)).convert("RGB").save(path, lossless=True, method=0)
    assert path.stat().st_size < 100_000
    with pytest.raises(UserError, match="5,000 × 5,000 pixels are too many for"):
        decode(path, 28, 28, color=False)
