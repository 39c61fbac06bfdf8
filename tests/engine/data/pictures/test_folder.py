from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, ImageFolder
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import describe, load_dataset
from dnnstudio.engine.data.pictures.folder import read_image_folder, read_picture
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch

RANDOM = np.random.default_rng(3)


def grey(side: int = 6) -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 256, (side, side), dtype=np.uint8))


def fill(folder: Path, names: dict[str, int], side: int = 6) -> Path:
    for name, count in names.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            grey(side).save(folder / name / f"{index}.png")
    return folder


def read(folder: Path, **fields: object) -> Raw:
    source = ImageFolder(path=str(folder), **({"height": 6, "width": 6} | fields))
    return read_image_folder(source, Watch())


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims any size, with next to no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def test_pictures_of_the_right_size_come_back_byte_for_byte(tmp_path: Path) -> None:
    fill(tmp_path, {"coat": 4, "bag": 5, "Shirt": 6})
    raw = read(tmp_path)
    assert raw.names == ("Shirt", "bag", "coat")
    assert np.bincount(raw.train.y).tolist() == [6, 5, 4]
    found = {(int(y), x.tobytes()) for x, y in zip(raw.train.x, raw.train.y, strict=True)}
    wanted = {
        (raw.names.index(file.parent.name), np.asarray(Image.open(file)).tobytes()) for file in tmp_path.rglob("*.png")
    }
    assert found == wanted
    assert not (np.diff(raw.train.y) >= 0).all(), "classes must be mixed"
    assert read(tmp_path).digest == raw.digest


def test_folders_named_train_and_test_are_the_parts(tmp_path: Path) -> None:
    fill(tmp_path / "Train", {"a": 8, "b": 8})
    fill(tmp_path / "test", {"a": 3, "b": 2})
    data = load_dataset(Data(source=ImageFolder(path=str(tmp_path), height=6, width=6)), seed=1)
    assert data.summary.counts == (13, 3, 5)
    assert data.summary.class_names == ("a", "b")


def test_scaling_turning_and_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 20), (200, 100, 50)).save(path)
    found = read_picture(path, 5, 7, color=True)
    assert found.shape == (5, 7, 3)
    assert (found == (200, 100, 50)).all()
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    np.testing.assert_allclose(read_picture(path, 5, 7, color=False), luma, atol=1)
    big = RANDOM.integers(0, 256, (12, 12), dtype=np.uint8)
    Image.fromarray(np.kron(big, np.ones((4, 4), np.uint8))).save(path)
    np.testing.assert_allclose(read_picture(path, 48, 48, color=False), np.kron(big, np.ones((4, 4))))
    image = Image.fromarray(big)
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image.save(path, exif=exif)
    np.testing.assert_array_equal(read_picture(path, 12, 12, color=False), np.rot90(big, -1))


@pytest.mark.parametrize(
    ("image", "suffix", "value"),
    [
        (Image.new("CMYK", (8, 8), (0, 0, 0, 255)), "jpg", 0),
        (Image.new("1", (8, 8), 1), "png", 255),
        (Image.new("P", (8, 8), 0), "gif", 0),
        (Image.new("RGBA", (8, 8), (9, 9, 9, 0)), "png", 255),
        (Image.new("LA", (8, 8), (70, 255)), "png", 70),
        (Image.fromarray(np.full((8, 8), 0x8080, np.uint16)), "png", 128),
        (Image.fromarray(np.full((8, 8), 200.0, np.float32)), "tiff", 200),
        (Image.fromarray(np.full((8, 8), 0.5, np.float32)), "tiff", 128),
        (Image.new("L", (8, 8), 33), "bmp", 33),
        (Image.new("L", (8, 8), 33), "webp", 33),
    ],
)
def test_every_kind_of_picture_gets_its_grey(tmp_path: Path, image: Image.Image, suffix: str, value: int) -> None:
    path = tmp_path / f"a.{suffix}"
    image.save(path)
    np.testing.assert_allclose(read_picture(path, 4, 4, color=False), value, atol=2)


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("L", (6, 6), level) for level in (10, 250)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(read_picture(tmp_path / "a.gif", 6, 6, color=False), 10, atol=1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(7_000, 7_000), "7,000 × 7,000 pixels are too many"),
        (png(12_000, 10_000), "too many"),
        (png(8, 70_000), "8 × 70,000 pixels are too many"),
        (png(100_000, 100_000), "too many pixels"),
        (png(0, 0), "not a picture"),
        (png(600, 600), "cut off"),
        (b"", "not a picture"),
        (b"just text", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"GIF89a\x05\0\x05\0", "not a picture"),
    ],
)
def test_a_picture_that_cannot_be_used_is_left_out_and_named(tmp_path: Path, content: bytes, words: str) -> None:
    fill(tmp_path, {"a": 3, "b": 3})
    (tmp_path / "a" / "bad.png").write_bytes(content)
    tracemalloc.start()
    raw = read(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    assert len(raw.train.x) == 6
    assert raw.notes[0].startswith("1 file left out: bad.png: ")
    assert words in raw.notes[0]


def test_every_cut_of_a_jpeg_is_left_out_or_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(RANDOM.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    good = read_picture(path, 24, 24, color=True)
    for end in range(0, len(whole) - 2, 9):
        path.write_bytes(whole[:end])
        with pytest.raises(UserError):
            read_picture(path, 24, 24, color=True)
    path.write_bytes(whole)
    np.testing.assert_array_equal(read_picture(path, 24, 24, color=True), good)


def test_what_lies_about_in_folders(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 3, "b": 3, ".hidden": 2})
    fill(tmp_path / "a", {"nested": 2})
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "b" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "b" / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    grey().save(tmp_path / "b" / "größe 图.png")
    raw = read(tmp_path)
    assert np.bincount(raw.train.y).tolist() == [5, 4]
    assert raw.notes[0].startswith("3 files left out: ")
    for name in ("round: a link to a folder", "gone.png: not a plain file", "pipe.png: not a plain file"):
        assert name in raw.notes[0]


def test_folders_that_hold_no_data_set(tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(UserError) as caught:
            read(path)
        return str(caught.value)

    assert "does not exist" in said(tmp_path / "no")
    (tmp_path / "file").write_text("")
    assert "is not a folder" in said(tmp_path / "file")
    assert "holds 0 folders" in said(tmp_path)
    fill(tmp_path, {"a": 3})
    assert "holds 1 folder;" in said(tmp_path)
    (tmp_path / "b").mkdir()
    assert 'No picture of the class "b"' in said(tmp_path)
    assert "its folder is empty" in said(tmp_path)
    (tmp_path / "b" / "x.png").write_bytes(b"no")
    assert "x.png: not a picture of a known format" in said(tmp_path)
    with pytest.raises(UserError, match="No file is chosen"):
        read_image_folder(ImageFolder(path=""), Watch())


def test_a_new_picture_is_seen_and_reading_is_cancelled(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 6, "b": 6})
    data = Data(source=ImageFolder(path=str(tmp_path), height=6, width=6))
    assert sum(describe(data, seed=1).label_counts) == 12
    grey().save(tmp_path / "a" / "new.png")
    preview = describe(data, seed=1)
    assert (preview.labels, preview.label_names, preview.label_counts) == ((0, 1), ("a", "b"), (7, 6))
    assert preview.thumbnails is not None
    assert preview.thumbnails.shape == (2, 6, 6)
    control = Control()
    with pytest.raises(Cancelled):
        read_image_folder(data.source, Watch(control, lambda done, total, text: control.stop()))
