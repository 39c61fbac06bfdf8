"""A folder with a folder of pictures a class, by Pillow: sizes come from the headers before any pixel is decoded.

A picture that cannot be used is left out and named; the rest is read. `train` and `test` folders, where the folder
holds exactly these, are the two parts.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import ImageFolder, likely_parts
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import count_of, listed
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.pictures.decode import FORMATS, require_size
from dnnstudio.engine.data.pictures.strips import on_white, room_for, scaled, strips
from dnnstudio.engine.data.raw import MAX_CLASSES, Raw, Rows, digest_of
from dnnstudio.engine.data.reading import Watch, as_path, unreadable
from dnnstudio.engine.data.sources import reader, with_test_note

MAX_FILES = 2_000_000
IGNORED = frozenset({"thumbs.db", "desktop.ini"})
ORDER_SEED = 20_170_826
"""Files come sorted by class; they are mixed once, always alike, so that the first rows hold every class."""
SHOWN = 3
PROGRESS_EVERY = 32


@dataclass(slots=True)
class _Found:
    """Picture files of one part with their classes, and what was left out."""

    files: list[tuple[Path, int]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def image_files(source: ImageFolder, watch: Watch) -> tuple[Path, ...]:
    """All picture files: when one of them changes, the folder is read again."""
    parts, _ = _scan(as_path(source.path, what="the pictures"), watch)
    return tuple(path for part in parts for path, _ in part.files)


@reader(ImageFolder, files=image_files)
def _read_source(source: ImageFolder, watch: Watch) -> Raw:
    return with_test_note(read_image_folder(source, watch))


def read_image_folder(source: ImageFolder, watch: Watch) -> Raw:
    """The pictures as uint8 rows [n, height, width] or [n, height, width, 3]."""
    root = as_path(source.path, what="the pictures")
    parts, classes = _scan(root, watch)
    count = sum(len(part.files) for part in parts)
    size = source.height * source.width * (3 if source.color else 1)
    need_memory(count * size * 5, what=f"{root.name} ({count_of(count, 'picture')})")
    rows = []
    left_out: list[str] = []
    done = 0
    for part in parts:
        rows.append(_read_part(source, part, watch, done, count))
        done += len(part.files)
        left_out += part.left_out
    for index, name in enumerate(classes):
        if not (rows[0].y == index).any():
            raise UserError(
                f'No picture of the class "{name}" in {root} can be used'
                + (f": {left_out[0]}." if left_out else ": its folder is empty."),
                "Put pictures into it, or remove the folder.",
            )
    notes: tuple[str, ...] = ()
    if likely_parts(classes):
        notes = (
            f'The classes are called {listed(classes)}, as the parts of a data set are. The source "Pictures" reads '
            "such folders as parts.",
        )
    if left_out:
        more = f" and {len(left_out) - SHOWN:,} more" if len(left_out) > SHOWN else ""
        notes += (f"{count_of(len(left_out), 'file')} left out: {'; '.join(left_out[:SHOWN])}{more}.",)
    return Raw(
        train=rows[0],
        test=rows[1] if len(rows) == 2 else None,
        labels=tuple(range(len(classes))),
        names=tuple(classes),
        origin=f"{count_of(sum(len(part.x) for part in rows), 'picture')} in {root}",
        full_scale=255.0,
        notes=notes,
        digest=digest_of(*[array for part in rows for array in (part.x, part.y)]),
    )


def _scan(root: Path, watch: Watch) -> tuple[list[_Found], list[str]]:
    """Which files belong to which class, from the names alone; nothing is opened."""
    children = _folders(root)
    names = {child.name.lower() for child in children}
    roots = [root / child.name for part in ("train", "test") for child in children if child.name.lower() == part]
    if names != {"train", "test"}:
        roots = [root]
    by_part = [_folders(part) for part in roots]
    classes = sorted({child.name for part in by_part for child in part})
    if len(classes) < 2:
        raise UserError(
            f"{root} holds {count_of(len(classes), 'folder')}; it must hold a folder of pictures for each of two or "
            "more classes.",
            "Choose the folder above the classes.",
        )
    if len(classes) > MAX_CLASSES:
        raise UserError(
            f"{root} holds {count_of(len(classes), 'folder')}; at most {MAX_CLASSES:,} classes are supported."
        )
    parts = []
    for folders in by_part:
        found = _Found()
        for folder in folders:
            index = classes.index(folder.name)
            for path in _walk(folder, found, watch):
                found.files.append((path, index))
                if len(found.files) > MAX_FILES:
                    raise UserError(f"{root} holds more than {MAX_FILES:,} files.", "Use fewer of them.")
        order = np.random.default_rng(ORDER_SEED).permutation(len(found.files))
        found.files = [found.files[i] for i in order]
        parts.append(found)
    return parts, classes


def _folders(root: Path) -> list[Path]:
    """The folders in a folder, sorted; hidden ones and files are passed over."""
    try:
        if not root.exists():
            raise UserError(f"{root} does not exist.", "Choose the folder that holds a folder a class.")
        if not root.is_dir():
            raise UserError(f"{root} is not a folder.", "Choose the folder that holds a folder a class.")
        return sorted(child for child in root.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError as error:
        raise unreadable(root, error) from None


def _walk(folder: Path, found: _Found, watch: Watch) -> Iterator[Path]:
    """All plain files below a folder in order. Links to folders are not followed, so no circle can catch us."""

    def refused(error: OSError) -> None:
        found.left_out.append(f"{Path(error.filename).name}: {reason_of(error)}")

    for place, folders, files in os.walk(folder, onerror=refused):
        watch.check()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (Path(place) / name).is_symlink():
                found.left_out.append(f"{name}: a link to a folder")
        for name in sorted(files):
            if name.startswith(".") or name.lower() in IGNORED:
                continue
            path = Path(place) / name
            if path.is_file():
                yield path
            else:
                found.left_out.append(f"{name}: not a plain file")


def _read_part(source: ImageFolder, part: _Found, watch: Watch, done: int, total: int) -> Rows:
    shape = (source.height, source.width, 3) if source.color else (source.height, source.width)
    x = np.empty((len(part.files), *shape), np.uint8)
    y = np.empty(len(part.files), np.int64)
    count = 0
    for index, (path, label) in enumerate(part.files):
        if index % PROGRESS_EVERY == 0:
            watch.tell(done + index, total, "Reading pictures")
        watch.check()
        try:
            x[count] = read_picture(path, source.height, source.width, color=source.color)
        except UserError as error:
            part.left_out.append(f"{path.name}: {error.message}")
            continue
        y[count] = label
        count += 1
    return Rows(x[:count], y[:count])


def read_picture(path: Path, height: int, width: int, *, color: bool) -> NDArray[np.uint8]:
    """One picture scaled to [height, width] or [height, width, 3]. Raises `UserError` with the reason alone."""
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                require_size(image)
                return _scaled(image, os.fstat(file.fileno()).st_size, height, width, color=color)
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError("too many pixels") from None
    except UnidentifiedImageError:
        raise UserError("not a picture of a known format") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise nearly anything
        reason = reason_of(error) if isinstance(error, OSError) and error.errno else "damaged or cut off"
        raise UserError(reason) from None


def _scaled(image: Image.Image, file_bytes: int, height: int, width: int, *, color: bool) -> NDArray[np.uint8]:
    mode = "RGB" if color else "L"
    image.draft(mode, (2 * width, 2 * height))  # a large JPEG is decoded at a half, a quarter or an eighth
    with room_for(image, file_bytes):
        ImageOps.exif_transpose(image, in_place=True)
        convert = _to_mode(image, mode)
        return np.asarray(scaled(image, mode, width, height, convert), np.uint8)


def _to_mode(image: Image.Image, mode: str) -> Callable[[Image.Image], Image.Image]:
    """What brings a strip of the picture to the mode."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        to_eight = _eight_bits(image)
        return lambda strip: to_eight(strip).convert(mode)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return lambda strip: on_white(strip.convert("RGBA")).convert(mode)
    return lambda strip: strip.convert(mode)


def _eight_bits(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """Brings 16-bit and float greys to 0…255; Pillow's own conversion would cut them off at 255."""
    highest = 0.0
    for _, strip in strips(image):
        values = np.asarray(strip, np.float64)
        if not np.isfinite(values).all():
            raise UserError("it holds values that are not finite")
        highest = max(highest, float(values.max(initial=0.0)))
    scales = (65535.0,) if image.mode.startswith("I;16") else (1.0, 255.0, 65535.0)
    top = next((scale for scale in scales if highest <= scale), highest)

    def convert(strip: Image.Image) -> Image.Image:
        values = np.asarray(strip, np.float64)
        return Image.fromarray(np.clip(np.rint(values * (255.0 / top)), 0, 255).astype(np.uint8))

    return convert
