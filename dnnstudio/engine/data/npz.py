"""NumPy's .npz without `numpy.load`: no pickle, every header checked and bounded before its array is read.

An .npz is a zip of .npy members; a .npy is a magic, a version, a Python literal that gives type, order and shape, and
the numbers (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.idx import DEFLATE_LIMIT
from dnnstudio.engine.data.raw import (
    MAX_CLASSES,
    Array,
    Raw,
    Rows,
    check_finite,
    check_lengths,
    digest_of,
    integer_labels,
    label_values,
)
from dnnstudio.engine.data.reading import Watch, need_memory, opened, plural

MAX_MEMBERS = 1_000
MAX_HEADER = 10_000
MAX_DIMENSIONS = 8
MAX_TEXT = 1_000
CHUNK = 2**20
NUMBERS = re.compile(r"[<>=|](b1|[iu][1248]|f[248])\Z")
TEXTS = re.compile(r"(<|>|=)U([0-9]{1,4})\Z|\|S([0-9]{1,4})\Z")
NAMES: dict[str, tuple[str, ...]] = {
    "x_train": ("x_train", "train_images", "train_x", "trainx"),
    "y_train": ("y_train", "train_labels", "train_y", "trainy"),
    "x_test": ("x_test", "test_images", "test_x", "testx"),
    "y_test": ("y_test", "test_labels", "test_y", "testy"),
    "x": ("x", "data", "images", "features", "inputs"),
    "y": ("y", "labels", "label", "target", "targets"),
}
"""What the arrays may be called, whatever the case."""
ADVICE = "Save the arrays with numpy.savez(path, x_train=…, y_train=…, x_test=…, y_test=…)."


@dataclass(frozen=True, slots=True)
class Member:
    """One array of the file, as its header describes it."""

    name: str
    info: zipfile.ZipInfo
    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def is_text(self) -> bool:
        return self.dtype.kind in "US"

    @property
    def text(self) -> str:
        return f"{self.name} {self.dtype.name} {' × '.join(f'{n:,}' for n in self.shape) or 'a single value'}"


def read_npz(path: Path, watch: Watch) -> Raw:
    """The rows of an .npz file. Raises `UserError` for everything that is not plain arrays of the expected names."""
    with opened(path, what="the arrays") as (file, size):
        try:
            with zipfile.ZipFile(file) as archive:
                return _read(path, archive, size, watch)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, ValueError):
            # ValueError and RuntimeError are what zipfile raises for odd names, offsets and encryption.
            raise UserError(
                f"{path.name} is not a whole .npz file: its archive is damaged.", "Copy or save it again."
            ) from None


def _read(path: Path, archive: zipfile.ZipFile, size: int, watch: Watch) -> Raw:
    roles = _roles(path, _members(path, archive, size))
    has_test = "x_test" in roles
    total = sum(math.prod(member.shape) * member.dtype.itemsize for member in roles.values())
    rows = sum(math.prod(roles[name].shape) for name in ("x_train", "x_test") if name in roles)
    need_memory(total + 4 * rows, what=path.name)
    arrays = {role: _array(path, archive, member, watch) for role, member in roles.items()}
    for role, array in arrays.items():
        _check_shape(path, roles[role], array, is_x=role.startswith("x"), watch=watch)
    notes: list[str] = []
    parts = ("train", "test") if has_test else ("train",)
    for part in parts:
        x, y = roles[f"x_{part}"].name, roles[f"y_{part}"].name
        arrays[f"y_{part}"] = _flat_labels(path, y, arrays[f"y_{part}"], notes)
        check_lengths(
            arrays[f"x_{part}"], arrays[f"y_{part}"], images=f'{path.name}, array "{x}",', labels=f'array "{y}"'
        )
    train_x, test_x = arrays["x_train"], arrays["x_test"] if has_test else None
    if test_x is not None and train_x.shape[1:] != test_x.shape[1:]:
        raise UserError(
            f"{path.name}: training rows have the shape {train_x.shape[1:]}, test rows {test_x.shape[1:]}.",
            "Both must have the same size.",
        )
    ys, labels, names = _targets(path, [arrays[f"y_{part}"] for part in parts], notes)
    return Raw(
        train=Rows(train_x, ys[0]),
        test=None if test_x is None else Rows(test_x, ys[1]),
        labels=labels,
        names=names,
        origin=path.name,
        full_scale={"u1": 255.0, "b1": 1.0}.get(train_x.dtype.str[1:]),
        notes=tuple(dict.fromkeys(notes)),
        digest=digest_of(*[arrays[role] for role in sorted(arrays)]),
    )


def _members(path: Path, archive: zipfile.ZipFile, size: int) -> list[Member]:
    """The arrays of the archive from its directory and their headers; nothing large is read."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise _refuse(path, f"it has {len(infos):,} members, at most {MAX_MEMBERS:,} are read")
    names = [info.filename for info in infos]
    for name in names:
        if names.count(name) > 1:
            raise _refuse(path, f'it has two members named "{_shown(name)}"')
    members = []
    for info in infos:
        if not info.filename.endswith(".npy"):
            continue
        if info.flag_bits & 0x1:
            raise _refuse(path, f'"{_shown(info.filename)}" is encrypted')
        if info.compress_size > size or info.file_size > info.compress_size * DEFLATE_LIMIT + 1_000:
            raise _refuse(
                path,
                f'"{_shown(info.filename)}" says {info.file_size:,} bytes, which {info.compress_size:,} compressed '
                "bytes cannot hold",
            )
        with archive.open(info) as stream:
            members.append(_header(path, stream, info))
    return members


def _header(path: Path, stream: IO[bytes], info: zipfile.ZipInfo) -> Member:
    name = info.filename.removesuffix(".npy")

    def bad(reason: str) -> UserError:
        return _refuse(path, f'the header of "{_shown(name)}" {reason}')

    start = stream.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY":
        raise bad("is not that of an array")
    if start[6:] not in (b"\x01\0", b"\x02\0", b"\x03\0"):
        raise bad(f"has the unknown version {start[6]}.{start[7]}")
    width = 2 if start[6] == 1 else 4
    packed = stream.read(width)
    length = int.from_bytes(packed, "little")
    if len(packed) < width or length > MAX_HEADER:
        raise bad(f"claims {length:,} bytes, at most {MAX_HEADER:,} are read")
    text = stream.read(length)
    if len(text) < length:
        raise bad("ends too early")
    try:
        fields = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise bad("is not a plain description of an array") from None
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise bad("does not give type, order and shape")
    descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    if not isinstance(descr, str) or not (NUMBERS.match(descr) or TEXTS.match(descr)):
        kind = "Python objects, which could run code" if "O" in str(descr) else _shown(str(descr))
        raise bad(f"says it holds {kind}; only numbers and short texts are read")
    if not isinstance(fortran, bool):
        raise bad("does not say in which order the numbers stand")
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 2**48 for n in shape):
        raise bad(f"gives the impossible shape {_shown(str(shape))}")
    if len(shape) > MAX_DIMENSIONS:
        raise bad(f"gives {len(shape)} dimensions, at most {MAX_DIMENSIONS} are read")
    dtype = np.dtype(descr)
    if dtype.kind in "US" and dtype.itemsize > 4 * MAX_TEXT:
        raise bad(f"gives texts of {dtype.itemsize:,} bytes, too long for labels")
    offset = 8 + width + length
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != info.file_size - offset:
        size = " × ".join(f"{n:,}" for n in (*shape, dtype.itemsize))
        raise bad(f"says {size} = {claimed:,} bytes, the member has {max(info.file_size - offset, 0):,}")
    return Member(name, info, dtype, fortran, shape, offset)


def _roles(path: Path, members: list[Member]) -> dict[str, Member]:
    """Which array is which. Refuses what is missing or could be meant twice, and says what the file holds."""
    found: dict[str, Member] = {}
    for role, names in NAMES.items():
        matching = [member for member in members if member.name.lower() in names]
        if len(matching) > 1:
            listed = ", ".join(_shown(member.text) for member in matching)
            raise UserError(f"{path.name}: more than one array could be {role}: {listed}.", ADVICE)
        if matching:
            found[role] = matching[0]
    if "x_train" not in found and "x" in found:
        found["x_train"] = found["x"]
        if "y" in found:
            found.setdefault("y_train", found["y"])
    found.pop("x", None)
    found.pop("y", None)
    for missing in ("x_train", "y_train"):
        if missing not in found:
            holds = "; ".join(_shown(member.text) for member in members[:8]) or "no arrays"
            raise UserError(f"{path.name} has no array {missing}. It holds: {holds}.", ADVICE)
    if ("x_test" in found) != ("y_test" in found):
        here, gone = ("x_test", "y_test") if "x_test" in found else ("y_test", "x_test")
        raise UserError(f"{path.name} has {here} but no {gone}.", ADVICE)
    return found


def _array(path: Path, archive: zipfile.ZipFile, member: Member, watch: Watch) -> Array:
    total = math.prod(member.shape) * member.dtype.itemsize
    array = np.empty(math.prod(member.shape), member.dtype)
    target = array.view(np.uint8).data if total else memoryview(b"")
    done = 0
    with archive.open(member.info) as stream:
        stream.read(member.offset)
        while done < total:
            watch.tell(done, total, f"Reading {path.name}: {member.name}")
            part = stream.read(min(CHUNK, total - done))
            if not part:
                raise _refuse(path, f'"{member.name}" ends after {done:,} of {total:,} bytes')
            target[done : done + len(part)] = part
            done += len(part)
        if stream.read(1):  # reading to the very end makes zipfile check the CRC
            raise _refuse(path, f'"{member.name}" is longer than it says')
    shaped = array.reshape(member.shape, order="F" if member.fortran else "C")
    return np.ascontiguousarray(shaped.astype(member.dtype.newbyteorder("="), copy=False))


def _check_shape(path: Path, member: Member, array: Array, *, is_x: bool, watch: Watch) -> None:
    if is_x and member.is_text:
        raise UserError(f'{path.name}: the array "{member.name}" holds text, not numbers.', ADVICE)
    if is_x and (array.ndim < 2 or 0 in array.shape[1:]):
        raise UserError(
            f'{path.name}: the array "{member.name}" has the shape {array.shape}; it must be rows × features or rows × '
            "height × width.",
            "Reshape it before saving.",
        )
    if not member.is_text:
        check_finite(array, what=f'{path.name}, array "{member.name}"', watch=watch)


def _flat_labels(path: Path, name: str, y: Array, notes: list[str]) -> Array:
    """[n] labels from [n], [n, 1] or one-hot [n, classes]."""
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    if y.ndim == 1:
        return y
    if y.ndim == 2 and y.dtype.kind in "biuf" and len(y) and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        notes.append("The labels were one-hot rows; the place of the 1 became the class.")
        return np.asarray(y.argmax(axis=1), np.int64)
    raise UserError(
        f'{path.name}: the array "{name}" has the shape {y.shape}; labels must be one number a row.', ADVICE
    )


def _targets(
    path: Path, ys: list[Array], notes: list[str]
) -> tuple[list[NDArray[np.int64] | NDArray[np.float64]], tuple[int, ...], tuple[str, ...]]:
    """Labels as classes where they are whole numbers or texts, as numbers to predict where they are fractions."""
    if any(y.dtype.kind in "US" for y in ys):
        if not all(y.dtype.kind in "US" for y in ys):
            raise UserError(f"{path.name}: the training labels are texts and the test labels numbers.", ADVICE)
        texts = [np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y for y in ys]
        names, codes = np.unique(np.concatenate(texts), return_inverse=True)
        if not 2 <= len(names) <= MAX_CLASSES:
            raise UserError(
                f"{path.name} holds {plural(len(names), 'class')}; 2 to {MAX_CLASSES:,} are possible.", ADVICE
            )
        cuts = np.split(codes.astype(np.int64), np.cumsum([len(y) for y in ys])[:-1])
        return list(cuts), tuple(range(len(names))), tuple(str(name) for name in names)
    if any(y.dtype.kind == "f" and not np.array_equal(y, np.rint(y)) for y in ys):
        notes.append("The labels are fractions, so a number is predicted.")
        return [y.astype(np.float64) for y in ys], (), ()
    whole = [integer_labels(y, what=f"{path.name}, labels") for y in ys]
    labels = label_values(*whole, what=path.name)
    return list(whole), labels, tuple(str(label) for label in labels)


def _refuse(path: Path, reason: str) -> UserError:
    return UserError(f"{path.name} is refused: {reason}.", ADVICE)


def _shown(text: str) -> str:
    """A name from the file, short and without control characters."""
    clean = "".join(c if c.isprintable() else "�" for c in text)
    return clean if len(clean) <= 60 else clean[:57] + "…"
