"""Strict reader of the zip container of a `.keras` file: exactly three members, laid out as Keras writes them."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import byte_size
from dnnstudio.engine.model_files.contents import MAX_FILE, shown
from dnnstudio.engine.model_files.sniff import HINT, name_of_zip
from dnnstudio.engine.model_files.strict_json import MAX_JSON

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
LIMITS = {CONFIG: MAX_JSON, METADATA: MAX_JSON, WEIGHTS: MAX_FILE}
UNPACKED_FLOOR = 16 * 2**20
UNPACKED_RATIO = 8
"""A file may unpack to 16 MB or eight times its size, whichever is larger. Weights hardly compress."""

LimitOf = Callable[[str], int | None]
"""The most bytes of a member with that name; None where there may be none."""
_LOCAL_HEADER = 30
_DESCRIPTOR = 24
_END_RECORD = 22


def read_members(content: bytes) -> dict[str, bytes]:
    """The members of a `.keras` file, verified by their CRC. `metadata.json` may be missing. Raises `UserError`."""
    return read_listed_members(content, LIMITS.get, needed=(CONFIG, WEIGHTS), what="a model file")


def read_listed_members(content: bytes, limit_of: LimitOf, *, needed: Collection[str], what: str) -> dict[str, bytes]:
    """The members of an archive that holds only names with a limit, each of at most that many bytes, verified by their
    CRC. The `needed` ones are there; the others may be missing. Raises `UserError`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_names(members, limit_of, needed, what)
            _check_sizes(members, len(content), limit_of)
            _check_layout(members, content, archive.start_dir)
            _check_end(content, len(archive.comment))
            return {member.filename: archive.read(member) for member in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, IndexError, NotImplementedError):
        raise UserError("The file is damaged: its zip archive cannot be read.", "Use a copy of it.") from None
    except (RuntimeError, OverflowError, UnicodeError, OSError):  # errors that a forged header can cause
        raise UserError("The file is damaged: its zip archive contradicts itself.", "Use a copy of it.") from None


def _check_names(members: list[zipfile.ZipInfo], limit_of: LimitOf, needed: Collection[str], what: str) -> None:
    names = [member.filename for member in members]
    counts = Counter(names)
    if not set(needed) <= set(names):
        raise UserError(f"This is {name_of_zip(names[:10_000])}.", HINT)
    for member in members:
        if limit_of(member.orig_filename) is None or limit_of(member.filename) is None:
            raise UserError(
                f"The archive holds {shown(member.orig_filename)}, which does not belong into {what}.",
                "Only plain stacks without assets can be opened.",
            )
        if counts[member.filename] > 1:
            raise UserError(f"The archive holds {member.filename} twice.", "It was damaged or tampered with.")
        if member.flag_bits & 0x1:
            raise UserError("The archive is encrypted.", "Save it without a password.")
        mode = member.external_attr >> 16
        if member.is_dir() or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
            raise UserError(f"{member.filename} in the archive is no plain file.", "It was tampered with.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UserError("The archive is packed in a way that Keras does not use.", HINT)


def _check_sizes(members: list[zipfile.ZipInfo], size: int, limit_of: LimitOf) -> None:
    for member in members:
        limit = limit_of(member.filename) or 0
        if member.file_size > limit:
            raise UserError(
                f"{member.filename} in the archive is larger than {byte_size(limit)}.", "Is it a model file?"
            )
        if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
            raise UserError("The file is damaged: its zip archive contradicts itself.", "Use a copy of it.")
    if sum(member.file_size for member in members) > max(UNPACKED_FLOOR, UNPACKED_RATIO * size):
        raise UserError("The archive would unpack to far more than its own size.", "It was tampered with.")


def _check_layout(members: list[zipfile.ZipInfo], content: bytes, directory: int) -> None:
    """Members must be contiguous from the first byte, without gaps that another reader might interpret differently."""
    position = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        gap = member.header_offset - position
        if not 0 <= gap <= (_DESCRIPTOR if position else 0):
            raise UserError("The archive's members overlap or leave room for others.", "It was tampered with.")
        name, extra = struct.unpack_from("<HH", content, member.header_offset + 26)
        position = member.header_offset + _LOCAL_HEADER + name + extra + member.compress_size
    if not 0 <= directory - position <= _DESCRIPTOR:
        raise UserError("The archive's members overlap or leave room for others.", "It was tampered with.")


def _check_end(content: bytes, comment: int) -> None:
    """The end record must be the last part of the file."""
    end = len(content) - _END_RECORD - comment
    if content[end : end + 4] != b"PK\x05\x06" or struct.unpack_from("<H", content, end + 20)[0] != comment:
        raise UserError("The archive has something behind its end.", "It is damaged or was tampered with.")
