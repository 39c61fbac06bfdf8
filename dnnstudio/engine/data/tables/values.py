"""Interprets cells: numbers in any notation, dates, yes/no, or missing values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from dnnstudio.core.experiment.data.sources.table import Decimal, Separator, Thousands
from dnnstudio.core.text import NBSP
from dnnstudio.engine.data.tables.text.decode import MISSING_SIGNS

SHOWN = 40
"""So many letters of a cell stand in a sentence."""
EPOCH_US = 86_400_000_000
"""Microseconds of a day: dates are kept as days since 1970."""
EARLIEST_DAY = -200_000.0
"""The year 1422: an earlier date is two digits that were taken for a whole year."""
LOOKED_AT = 20_000
"""So many different cells a column decide how its numbers or dates are written."""
CELLS_AT_ONCE = 2**20
YES_NO: tuple[tuple[str, str], ...] = (
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("off", "on"),
    ("nein", "ja"),
    ("0", "1"),
)
"""Pairs of cells that say no and yes, in lower case."""
DATE_FORMATS: tuple[str, ...] = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%m-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%b %d %Y",
    "%b-%d-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y-%m",
    "%b %Y",
)
"""Where two of them fit all dates of a column, the earlier one is taken."""
_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_SIGNS: dict[Thousands, str] = {"comma": ",", "point": r"\.", "space": f"[ {NBSP}\u202f]", "apostrophe": "['’]"}


@dataclass(frozen=True, slots=True)
class NumberSigns:
    """How the numbers of a table are written: decimal and thousands separators."""

    decimal: Decimal = "point"
    thousands: Thousands = "none"


def stripped(cells: pl.Series) -> pl.Series:
    """The texts without surrounding whitespace; null if nothing is left."""
    texts = cells.str.strip_chars()
    return texts.set(texts == "", None)


def without_missing(cells: pl.Series, signs: Iterable[str] | None, own: Iterable[str] | None = None) -> pl.Series:
    """The cells, null where they match a missing-value sign of the table (or the usual ones) or of the column.

    Of stored numbers (Parquet) only an infinite one can match: by the sign inf or -inf.
    """
    if cells.dtype.is_float():
        wanted = {sign.strip().lower() for sign in (*(signs or ()), *(own or ()))}
        for sign, value in (("inf", float("inf")), ("-inf", float("-inf"))):
            cells = cells.set(cells == value, None) if sign in wanted else cells
        return cells
    if cells.dtype != pl.String:
        return cells
    texts = stripped(cells)
    marks = used_signs(texts, (*(MISSING_SIGNS if signs is None else signs), *(own or ())))
    return texts.set(texts.is_in(marks), None) if marks else texts


def used_signs(texts: pl.Series, signs: Iterable[str]) -> list[str]:
    """The missing-value signs that occur among these cells, in any case, as written there."""
    plain = stripped(pl.Series(list(signs), dtype=pl.String)).drop_nulls().to_list()  # as the cells are stripped
    wanted = {sign.lower() for sign in plain}
    longest = max((len(sign.encode()) for sign in (*plain, *wanted)), default=0)
    short = texts.filter(texts.str.len_bytes() <= longest).unique().to_list()
    return sorted(text for text in short if text is not None and text.lower() in wanted)


def find_number_signs(columns: Iterable[pl.Series], separator: Separator | None) -> NumberSigns:
    """Infer the decimal and thousands separators of a whole table.

    1.5 and 1,234.5 indicate a decimal point, 1,5 and 1.234,5 a decimal comma. 1,234 alone is read as thousands, unless
    semicolons separate the cells: programs that use a decimal comma write such files.
    """
    count = dict.fromkeys(("point", "comma", "comma_groups", "point_groups", "unclear", "space", "apostrophe"), 0)
    patterns = {
        "point": r"^[+-]?(\d{1,3}(,\d{3})+\.\d+|\d*\.(\d{1,2}|\d{4,})|\d{4,}\.\d+|0\.\d+)([eE][+-]?\d+)?$",
        "comma": r"^[+-]?(\d{1,3}(\.\d{3})+,\d+|\d*,(\d{1,2}|\d{4,})|\d{4,},\d+|0,\d+)([eE][+-]?\d+)?$",
        "comma_groups": r"^[+-]?\d{1,3}(,\d{3}){2,}$|^[+-]?\d{1,3}(,\d{3})+\.\d+$",
        "point_groups": r"^[+-]?\d{1,3}(\.\d{3}){2,}$|^[+-]?\d{1,3}(\.\d{3})+,\d+$",
        "unclear": r"^[+-]?[1-9]\d{0,2},\d{3}$",
        "space": r"^[+-]?\d{1,3}([ \x{a0}\x{202f}]\d{3})+([.,]\d+)?$",
        "apostrophe": r"^[+-]?\d{1,3}(['’]\d{3})+([.,]\d+)?$",
    }
    for cells in together(column.head(LOOKED_AT) for column in columns if column.dtype == pl.String):
        texts = _bare(
            cells.with_columns(pl.col("text").str.strip_chars()).filter(pl.col("text") != "").unique()["text"]
        )
        for name, pattern in patterns.items():
            count[name] += int(texts.str.contains(pattern).sum())
    decimal: Decimal = "comma" if count["comma"] > count["point"] else "point"
    if not count["comma"] and not count["point"] and count["unclear"] and separator == "semicolon":
        decimal = "comma"
    thousands: Thousands = "none"
    if decimal == "point" and (count["comma_groups"] or count["unclear"]):
        thousands = "comma"
    elif decimal == "comma" and count["point_groups"]:
        thousands = "point"
    elif count["space"] or count["apostrophe"]:
        thousands = "space" if count["space"] >= count["apostrophe"] else "apostrophe"
    return NumberSigns(decimal, thousands)


def together(columns: Iterable[pl.Series]) -> Iterator[pl.DataFrame]:
    """The texts of many columns as frames of a "column", its place, and a "text".

    A wide table has thousands of columns, of which a call for each would be felt: a frame holds as many as it can.
    """
    held: list[pl.Series] = []
    cells = 0
    for column in columns:
        if held and cells + len(column) > CELLS_AT_ONCE:
            yield _long(held)
            held, cells = [], 0
        held.append(column)
        cells += len(column)
    if held:
        yield _long(held)


def _long(columns: list[pl.Series]) -> pl.DataFrame:
    places = np.repeat(np.arange(len(columns), dtype=np.uint32), [len(column) for column in columns])
    # In one piece: whatever is done with a column of thousands of pieces takes some 17 kB for each of them.
    texts = pl.concat([column.alias("text") for column in columns], rechunk=True)
    return pl.DataFrame({"column": places, "text": texts})


def to_numbers(cells: pl.Series, signs: NumberSigns) -> pl.Series:
    """The cells as float64, null for anything but a finite number. "5 %" is 0.05; currency symbols are ignored."""
    if cells.dtype != pl.String:
        values = cells.cast(pl.Float64)
        return values.set(~values.is_finite(), None)
    if signs.decimal == "point":
        values = cells.cast(pl.Float64, strict=False)
        values = values.set(~values.is_finite(), None)
        if values.null_count() == cells.null_count():
            return values
    texts = _bare(cells)
    percent = cells.str.contains(r"%\s*$").fill_null(False)
    if signs.thousands != "none":
        sign = _SIGNS[signs.thousands]
        point = "," if signs.decimal == "comma" else r"\."
        grouped = texts.str.contains(rf"^[+-]?\d{{1,3}}({sign}\d{{3}})+({point}\d*)?$").fill_null(False)
        texts = texts.zip_with(~grouped, texts.str.replace_all(sign, ""))
    if signs.decimal == "comma":
        # The point is not the decimal separator here: "1.5" must not be read as a different number.
        texts = texts.set(texts.str.contains(".", literal=True).fill_null(False), None).str.replace(
            ",", ".", literal=True
        )
    texts = texts.set(~texts.str.contains(_PLAIN).fill_null(False), None)
    values = texts.cast(pl.Float64, strict=False)
    return values.set(~values.is_finite(), None).zip_with(~percent, values / 100)


def _bare(texts: pl.Series) -> pl.Series:
    """Without a currency or per cent sign around the number."""
    return texts.str.replace(r"^([+-]?)\s*[$€£¥]\s*", "$1").str.replace(r"\s*[%$€£¥]\s*$", "")


def find_date_format(cells: pl.Series) -> str | None:
    """The first format that parses every present cell; None if there is none."""
    texts = cells.drop_nulls().unique()
    if not len(texts) or not bool(texts.head(50).str.contains(r"\d").all()):
        return None
    few = texts.head(50)
    for pattern in DATE_FORMATS:
        if _all_dates(few, pattern) and _all_dates(texts, pattern):
            return pattern
    return None


def _all_dates(texts: pl.Series, pattern: str) -> bool:
    days = to_days(texts, pattern)
    return days.null_count() == 0 and bool((days > EARLIEST_DAY).all())


def to_days(cells: pl.Series, pattern: str | None) -> pl.Series:
    """Dates as days since 1970-01-01, with the time of day as a fraction; null for an invalid cell."""
    if cells.dtype == pl.String:
        if pattern is None:
            return pl.Series(cells.name, [None] * len(cells), dtype=pl.Float64)
        day = f"{pattern}-%d" if pattern == "%Y-%m" else f"%d {pattern}" if pattern == "%b %Y" else pattern
        texts = cells
        if pattern == "%Y-%m":
            texts = cells + "-01"
        elif pattern == "%b %Y":
            texts = "01 " + cells
        if "%H" in day:
            cells = texts.str.to_datetime(day, strict=False, time_unit="us")
        else:
            cells = texts.str.to_date(day, strict=False)
    stamps = cells.cast(pl.Datetime("us")).dt.replace_time_zone(None)
    return stamps.dt.epoch("us").cast(pl.Float64) / EPOCH_US


def yes_no_pair(texts: Collection[str]) -> tuple[str, str] | None:
    """The pair (no, yes), in lower case, that contains all these texts; None if there is none."""
    lowered = {text.lower() for text in texts}
    return next((pair for pair in YES_NO if lowered <= set(pair)), None)


def shown(value: object) -> str:
    """A cell as a sentence can show it."""
    text = "".join(c if c.isprintable() else "�" for c in str(value))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
