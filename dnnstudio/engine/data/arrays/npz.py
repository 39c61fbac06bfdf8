"""Reads NumPy's .npz without `numpy.load`: no pickle, and every header is checked and bounded before its array is read.

An .npz is a zip of .npy members; a .npy consists of a magic string, a version, a Python literal with type, order and
shape, and the values (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Npz
from dnnstudio.core.text import count_of
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.arrays.idx import DEFLATE_LIMIT
from dnnstudio.engine.data.arrays.roles import (
    ADVICE,
    PARTS,
    ROLES,
    Member,
    find_roles,
    shown,
    validation_by_name,
)
from dnnstudio.engine.data.columns import NO_KEYS, SplitKeys
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
from dnnstudio.engine.data.reading import Watch, as_path, opened
from dnnstudio.engine.data.sources import reader, with_test_note

MAX_MEMBERS = 1_000
MAX_HEADER = 10_000
MAX_DIMENSIONS = 8
MAX_TEXT = 1_000
CHUNK = 2**20
NUMBERS = re.compile(r"[<>=|](b1|[iu][1248]|f[248])\Z")
TEXTS = re.compile(r"(<|>|=)U([0-9]{1,4})\Z|\|S([0-9]{1,4})\Z")


def npz_files(source: Npz, watch: Watch) -> tuple[Path, ...]:
    """The single file of the arrays."""
    return (as_path(source.path, what="the arrays"),)


@reader(Npz, files=npz_files)
def _read_source(source: Npz, watch: Watch) -> Raw:
    chosen = {role: name for role in ROLES if (name := getattr(source, role)) is not None}
    return with_test_note(read_npz(npz_files(source, watch)[0], watch, chosen=chosen))


def read_npz(path: Path, watch: Watch, *, chosen: Mapping[str, str] = MappingProxyType({})) -> Raw:
    """The rows of an .npz file; `chosen` names the array of a role (`ROLES`), the others are found out.

    Raises `UserError` for everything that is not plain arrays whose roles are clear.
    """
    with _archive(path) as (archive, size):
        return _read(path, archive, size, watch, chosen)


def npz_members(path: Path) -> list[Member]:
    """The arrays of an .npz file by their headers. Raises `UserError`."""
    with _archive(path) as (archive, size):
        return _members(path, archive, size)


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, int]]:
    with opened(path, what="the arrays") as (file, size):
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive, size
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, ValueError):
            # zipfile raises ValueError and RuntimeError for invalid names, offsets and encryption.
            raise UserError(
                f"{path.name} is not a whole .npz file: its archive is damaged.", "Copy or save it again."
            ) from None


def _packed(archive: zipfile.ZipFile, size: int) -> int | None:
    """The bytes that packed arrays come out of; None where they are stored as they are."""
    return size if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()) else None


def _read(path: Path, archive: zipfile.ZipFile, size: int, watch: Watch, chosen: Mapping[str, str]) -> Raw:
    members = _members(path, archive, size)
    roles = find_roles(path.name, members, chosen)
    total = sum(math.prod(member.shape) * member.dtype.itemsize for member in roles.values())
    rows = sum(math.prod(roles[name].shape) for name in ROLES[::2] if name in roles)
    need_memory(total + 4 * rows, what=path.name, packed=_packed(archive, size))
    arrays = {role: _array(path, archive, member, watch) for role, member in roles.items()}
    for role, array in arrays.items():
        _check_shape(path, roles[role], array, is_x=role.startswith("x"), watch=watch)
    notes: list[str] = []
    parts = tuple(part for part in PARTS if f"x_{part}" in roles)
    for part in parts:
        x, y = roles[f"x_{part}"].name, roles[f"y_{part}"].name
        arrays[f"y_{part}"] = _flat_labels(path, y, arrays[f"y_{part}"], notes)
        check_lengths(
            arrays[f"x_{part}"], arrays[f"y_{part}"], images=f'{path.name}, array "{x}",', labels=f'array "{y}"'
        )
    first = arrays["x_train"]
    for part in parts:
        if arrays[f"x_{part}"].shape[1:] != first.shape[1:]:
            raise UserError(
                f"{path.name}: training rows have the shape {first.shape[1:]}, {part} rows "
                f"{arrays[f'x_{part}'].shape[1:]}.",
                "Both must have the same size.",
            )
    targets, labels, names = _targets(path, [arrays[f"y_{part}"] for part in parts], notes)
    ys = dict(zip(parts, targets, strict=True))
    train, keys = Rows(first, ys["train"]), NO_KEYS
    if "validation" in ys:
        counts = (len(first), len(arrays["x_validation"]))
        train = Rows(np.concatenate([first, arrays["x_validation"]]), np.concatenate([ys["train"], ys["validation"]]))
        keys = SplitKeys(parts=np.repeat(np.arange(2, dtype=np.int64), counts))
    notes += _left_over(members, roles)
    return Raw(
        train=train,
        test=Rows(arrays["x_test"], ys["test"]) if "test" in ys else None,
        labels=labels,
        names=names,
        origin=path.name,
        full_scale={"u1": 255.0, "b1": 1.0}.get(first.dtype.str[1:]),
        notes=tuple(dict.fromkeys(notes)),
        digest=digest_of(*[arrays[role] for role in sorted(arrays)]),
        keys=keys,
    )


def _left_over(members: list[Member], roles: dict[str, Member]) -> list[str]:
    """What a person should know of arrays that are not used."""
    validation = validation_by_name(members)
    if validation and "x_validation" not in roles:
        names = " and ".join(shown(member.name) for member in validation.values())
        return [f"The arrays {names} are not used; choose them as the validation part to validate with them."]
    return []


def _members(path: Path, archive: zipfile.ZipFile, size: int) -> list[Member]:
    """The arrays of the archive from its directory and their headers, without reading the values."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise _refuse(path, f"it has {count_of(len(infos), 'member')}, at most {MAX_MEMBERS:,} are read")
    names = [info.filename for info in infos]
    for name in names:
        if names.count(name) > 1:
            raise _refuse(path, f'it has two members named "{shown(name)}"')
    members = []
    for info in infos:
        if not info.filename.endswith(".npy"):
            continue
        if info.flag_bits & 0x1:
            raise _refuse(path, f'"{shown(info.filename)}" is encrypted')
        if info.compress_size > size or info.file_size > info.compress_size * DEFLATE_LIMIT + 1_000:
            raise _refuse(
                path,
                f'"{shown(info.filename)}" says {info.file_size:,} bytes, which {info.compress_size:,} compressed '
                "bytes cannot hold",
            )
        with archive.open(info) as stream:
            members.append(_header(path, stream, info))
    return members


def _header(path: Path, stream: IO[bytes], info: zipfile.ZipInfo) -> Member:
    name = info.filename.removesuffix(".npy")

    def bad(reason: str) -> UserError:
        return _refuse(path, f'the header of "{shown(name)}" {reason}')

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
        kind = "Python objects, which could run code" if "O" in str(descr) else shown(str(descr))
        raise bad(f"says it holds {kind}; only numbers and short texts are read")
    if not isinstance(fortran, bool):
        raise bad("does not say in which order the numbers stand")
    if not isinstance(shape, tuple) or not all(type(n) is int and 0 <= n < 2**48 for n in shape):
        raise bad(f"gives the impossible shape {shown(str(shape))}")
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
        if stream.read(1):  # reading to the end makes zipfile verify the CRC
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
    """Labels [n] from [n], [n, 1] or one-hot [n, classes]."""
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
    """Whole numbers or texts as class labels, fractions as regression targets."""
    if any(y.dtype.kind in "US" for y in ys):
        if not all(y.dtype.kind in "US" for y in ys):
            raise UserError(f"{path.name}: the training labels are texts and the test labels numbers.", ADVICE)
        texts = [np.char.decode(y, "utf-8") if y.dtype.kind == "S" else y for y in ys]
        names, codes = np.unique(np.concatenate(texts), return_inverse=True)
        if not 2 <= len(names) <= MAX_CLASSES:
            raise UserError(
                f"{path.name} holds {count_of(len(names), 'class')}; 2 to {MAX_CLASSES:,} are possible.", ADVICE
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


ROW_NAMES = ("x", "data", "images", "features", "inputs", "x_test", "test_images", "test_x")
"""What the array of rows without labels may be called, the first of them that is there."""
BLOCK_BYTES = 2**23


def npz_rows(path: Path, watch: Watch) -> Iterator[Array]:
    """The rows of the array that holds new cases, in blocks of some megabytes: [n, *shape] in its stored type.

    It is the one called as `ROW_NAMES` say, else the only one that can be rows. Raises `UserError` as `read_npz`.
    """
    with _archive(path) as (archive, size):
        yield from _blocks_of(path, archive, _rows_member(path, _members(path, archive, size)), watch)


def _rows_member(path: Path, members: list[Member]) -> Member:
    by_name = {member.name.lower(): member for member in members}
    rows = [member for member in members if len(member.shape) > 1 and not member.is_text]
    chosen = next((by_name[name] for name in ROW_NAMES if name in by_name), rows[0] if len(rows) == 1 else None)
    if chosen is None or chosen not in rows:
        holds = "; ".join(shown(member.text) for member in members[:8]) or "no arrays"
        raise UserError(
            f"{path.name} does not say which of its arrays holds the new rows. It holds: {holds}.", "Call the array x."
        )
    return chosen


def _blocks_of(path: Path, archive: zipfile.ZipFile, member: Member, watch: Watch) -> Iterator[Array]:
    if member.fortran:  # a row's numbers lie apart in the file
        needed = 2 * math.prod(member.shape) * member.dtype.itemsize
        need_memory(needed, what=path.name, packed=_packed(archive, member.info.compress_size))
        yield _array(path, archive, member, watch)
        return
    row = math.prod(member.shape[1:]) * member.dtype.itemsize
    step = max(1, BLOCK_BYTES // max(1, row))
    with archive.open(member.info) as stream:
        stream.read(member.offset)
        for start in range(0, member.shape[0], step):
            watch.check()
            count = min(step, member.shape[0] - start)
            part = stream.read(count * row)
            if len(part) < count * row:
                raise _refuse(path, f'"{member.name}" ends after row {start + len(part) // max(1, row):,}')
            block = np.frombuffer(part, member.dtype).reshape(count, *member.shape[1:])
            yield block.astype(member.dtype.newbyteorder("="), copy=False)
        if stream.read(1):  # reading to the very end makes zipfile check the CRC
            raise _refuse(path, f'"{member.name}" is longer than it says')
