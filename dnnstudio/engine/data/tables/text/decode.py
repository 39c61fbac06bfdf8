"""Decodes a text table: its encoding, its separator, and whether its first line is a header.

Every decision is based on many lines and is reported, so that the user can override it.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Encoding, Separator
from dnnstudio.engine.data.tables.text.layout import LOOK_ALIKES

SIGNS: dict[Separator, str] = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "blanks": " "}
SAMPLE_BYTES = 2**18
SAMPLE_ROWS = 1_000
SAMPLE_LINES = 4
"""So many lines are looked at however long they are: those of a wide table hold a megabyte, and a part of a line none
of its width."""
LONGEST_LINES = 2**24
"""Where so many bytes are no more than that, what follows is cut off."""
MOST = 0.8
"""The share of lines that must have the same number of cells."""
BLANKS_HANDICAP = 0.05
"""Spaces also occur inside text, so they count as separators only if that explains clearly more."""
NUMBER = re.compile(
    r"\s*[+-]?[$€£]?\s*(\d{1,3}([,.' ]\d{3})+([.,]\d+)?|\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*[%€$]?\s*\Z"
)
MISSING_SIGNS: tuple[str, ...] = ("NA", "N/A", "#N/A", "NaN", "null", ".", "?")
"""Texts that mark a missing value in every column unless the user says otherwise, in any case."""
_WHOLE = re.compile(r"\d{1,9}\Z")
_SEP_LINE = re.compile(rb'"?sep=(.)"?[ \t]*(?:\n|\Z)', re.IGNORECASE)


def decode(content: bytes, path: Path, wanted: Encoding | None = None) -> tuple[bytes, Encoding]:
    """The content as UTF-8 with normalized line ends, and its original encoding.

    A byte order mark decides; then UTF-8 if every byte is valid; else Windows-1252, which includes Latin-1. Raises
    `UserError` for binary content.
    """
    for magic, what in LOOK_ALIKES:
        if content.startswith(magic):
            raise UserError(
                f"{path.name} cannot be read as a text table: it is {what}.", "Give it the suffix of its kind."
            )
    encoding, codec = _encoding(content, wanted)
    try:
        if codec != "utf-8":
            content = content.decode(codec).encode()
        else:
            content = content.removeprefix(b"\xef\xbb\xbf")
            if not content.isascii():
                content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path.name}: line {line} is not {encoding} text.", "Choose another encoding, or let it be found out."
        ) from None
    content = with_plain_breaks(content)
    zero = content.find(b"\0")
    if zero >= 0:
        line = content.count(b"\n", 0, zero) + 1
        raise UserError(f"{path.name} cannot be read as a table: line {line} holds a zero byte.", "Is it a text file?")
    if not content or content.isspace():
        raise UserError(f"{path.name} cannot be read as a table: it is empty.", "Choose a file with examples in it.")
    return content, encoding


def with_plain_breaks(content: bytes) -> bytes:
    """The text with a line feed at the end of each line."""
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in content else content


def without_blank_end(content: bytes) -> bytes:
    """The text without the blank lines and blanks at its end."""
    return content.rstrip(b"\n ") if content.endswith((b"\n\n", b" \n", b" ")) else content


def _encoding(content: bytes, wanted: Encoding | None) -> tuple[Encoding, str]:
    """The encoding's display name, and Python's name of it."""
    head = content[:400]
    if wanted == "utf-16" or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-16-le"
    if wanted is None and len(head) >= 4 and head[1::2].count(0) > 0.4 * len(head[1::2]) and not head[::2].count(0):
        return "utf-16", "utf-16-le"
    if wanted is None and len(head) >= 4 and head[::2].count(0) > 0.4 * len(head[::2]) and not head[1::2].count(0):
        return "utf-16", "utf-16-be"
    if wanted == "utf-8" or (wanted is None and _is_utf8(content)):
        return "utf-8", "utf-8"
    # Five bytes are undefined in Windows-1252; a file with one of them is Latin-1, which is otherwise the same.
    return "windows-1252", "latin-1" if set(content) & set(b"\x81\x8d\x8f\x90\x9d") else "cp1252"


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records under one separator, as text, and how well the separator explains them.

    `width` is the most frequent number of cells, `share` the share of records that have it.
    """

    separator: Separator
    records: tuple[tuple[str, ...], ...]
    width: int
    share: float

    def numeric(self) -> float:
        """The share of numbers among the cells of records of the usual width."""
        cells = [cell for record in self.records if len(record) == self.width for cell in record if cell.strip()]
        return sum(NUMBER.match(cell) is not None for cell in cells) / max(1, len(cells))


def told_separator(content: bytes) -> tuple[Separator | None, int]:
    """The separator declared in a first line such as `sep=;`, and that line's length in bytes."""
    match = _SEP_LINE.match(content)
    if match is None:
        return None, 0
    found = next((name for name, sign in SIGNS.items() if sign.encode() == match[1]), None)
    return (found, match.end()) if found is not None else (None, 0)


def find_separator(content: bytes, path: Path, wanted: Separator | None = None) -> Sample:
    """The first records under the separator that explains them best. Raises `UserError` if none does."""
    text = _whole_lines(content)
    samples = [sample_of(text, name) for name in ((wanted,) if wanted else SIGNS)]
    fitting = [sample for sample in samples if sample.width > 1 and sample.share > 0.5]
    if not fitting:
        if wanted is None and max(sample.width for sample in samples) == 1:
            raise UserError(
                f"{path.name} cannot be read as a table: its lines hold one column only.",
                "A table needs a column to learn from and one to predict.",
            )
        raise UserError(
            f"{path.name} cannot be read as a table: its lines have different numbers of cells.",
            "Choose the separator, or mend the file.",
        )
    return fitting[0] if len(fitting) == 1 else max(fitting, key=_merit)


def _merit(sample: Sample) -> tuple[bool, bool, float, float, int]:
    handicap = BLANKS_HANDICAP if sample.separator == "blanks" else 0.0
    head = len(sample.records[0])
    head_fits = head == sample.width or head == sample.width - 1 > 1
    return (sample.share >= MOST, head_fits, round(sample.numeric() - handicap, 2), sample.share, sample.width)


def _whole_lines(content: bytes) -> str:
    if len(content) <= SAMPLE_BYTES:
        return content.decode()
    end = -1
    for _ in range(SAMPLE_LINES):
        end = content.find(b"\n", end + 1, LONGEST_LINES)
        if end < 0:
            return content[:LONGEST_LINES].decode(errors="ignore")
    return content[: max(end, content.rfind(b"\n", 0, SAMPLE_BYTES))].decode()


def sample_of(text: str, separator: Separator) -> Sample:
    """The first records of a text under a separator."""
    lines = text.split("\n")
    records: list[tuple[str, ...]] = []
    for record in parse(lines, separator):
        if any(cell.strip() for cell in record):
            records.append(tuple(record))
        if len(records) >= SAMPLE_ROWS:
            break
    widths = Counter(len(record) for record in records)
    # Of equally frequent widths, the larger one is more informative.
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return Sample(separator, tuple(records), width, count / max(1, len(records)))


def parse(lines: Sequence[str], separator: Separator) -> list[list[str]]:
    """Records by the standard library's reader; a blank line is a record without cells."""
    if separator == "blanks":
        lines = [" ".join(line.split()) if '"' not in line else line.strip().replace("\t", " ") for line in lines]
    csv.field_size_limit(2**24)
    try:
        return list(csv.reader([f"{line}\n" for line in lines], delimiter=SIGNS[separator], skipinitialspace=True))
    except csv.Error:
        return [line.split(SIGNS[separator]) for line in lines]


def has_header(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first record contains column names instead of data.

    Columns of numbers decide by the cell above them; without any, a first record whose cells recur below is data. Names
    that are rising whole numbers, such as years, count as names if another cell is text.
    """
    first, body = records[0], [record for record in records[1:] if len(record) == len(records[0])]
    if not body:
        return not any(NUMBER.match(cell) for cell in first)
    if len(set(first)) < len(first) and any(NUMBER.match(cell) for cell in first):
        return False
    votes_for = votes_against = again = texts = 0
    missing = {sign.lower() for sign in MISSING_SIGNS} | {""}
    for place, head in enumerate(first):
        cells = [cell for record in body if (cell := record[place].strip()).lower() not in missing]
        numbers = sum(NUMBER.match(cell) is not None for cell in cells)
        if cells and numbers >= MOST * len(cells):
            if head.strip().lower() in missing:
                continue
            votes_against += NUMBER.match(head) is not None
            votes_for += NUMBER.match(head) is None
        elif cells:
            texts += 1
            again += head in cells
    heads = [head for head in first if NUMBER.match(head)]
    if texts and not again and len(heads) > 2 and all(_WHOLE.match(head.strip()) for head in heads):
        rising = [int(head) for head in heads]
        if all(low < high for low, high in pairwise(rising)):
            return True
    if votes_for or votes_against:
        return votes_for > votes_against
    return again * 2 < max(1, texts)
