"""Formats numbers, sizes, times and names for people: the only place that does so, for the window and the command line.

Sizes are decimal (SI): 1 kB is 1,000 bytes and 1 MB is 1,000,000 bytes, as in file managers.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence

NBSP = "\u00a0"
"""No-break space, between a number and its unit."""
DASH = "–"
"""Shown for a missing figure."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTROL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_UNITS = (("kB", 1e3), ("MB", 1e6), ("GB", 1e9))


def plural(noun: str) -> str:
    """The plural of a regular noun, or of a phrase that ends in one: "rows", "classes", "entries", "axes"."""
    if noun.endswith("is"):
        return f"{noun[:-2]}es"
    if noun.endswith(("s", "x", "sh", "nch", "tch")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def count_of(number: int, noun: str) -> str:
    """ "1 row", "1,437 rows", "2 classes"."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def byte_size(count: int) -> str:
    """A number of bytes: "1 byte", "512 bytes", "1.0 kB", "3.2 MB", "2.5 GB"."""
    if count < 1000:
        return count_of(count, "byte")
    # A value that would round to 1,000.0 of a unit becomes 1.0 of the next.
    unit, size = next(((unit, size) for unit, size in _UNITS if count < 999.95 * size), _UNITS[-1])
    return f"{count / size:,.1f} {unit}"


def duration(seconds: float | None) -> str:
    """The two largest units: "45 s", "3 min 20 s", "1 h 2 min"; a dash if unknown."""
    if seconds is None:
        return DASH
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def figure(value: float, *, signed: bool = False) -> str:
    """A number with four digits that count: 0.0412, 17.53, 12,430; `signed` writes the plus too."""
    sign = "+" if signed else ""
    if value == 0 or abs(value) in (float("inf"),) or value != value:
        return f"{value:{sign}g}"
    return f"{value:{sign},.0f}" if 1000 <= abs(value) < 1e9 else f"{value:{sign}.4g}"


def with_spread(mean: str, spread: str) -> str:
    """A mean and its spread as both are written, with one percent sign: "91.3 ± 0.2 %"."""
    if mean.endswith("%") and spread.endswith("%"):
        mean = mean.removesuffix("%").rstrip()
    return f"{mean} ± {spread}"


def small(value: float) -> str:
    """A small difference with two digits that count: "0.076", "1.1e-7", "1e-5", "0"."""
    if value == 0 or not abs(value) < 0.001:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def percent(share: float, digits: int = 0) -> str:
    """A share from 0 to 1 as "77 %", or "77.0 %" with one decimal; with a no-break space."""
    return f"{share * 100:.{digits}f}{NBSP}%"


def share_text(share: float | None) -> str:
    """ "87.5 %"; a dash for None."""
    return DASH if share is None else percent(share, 1)


def listed(names: Sequence[str], *, most: int = 3) -> str:
    """ "a", "a and b", "a, b and c". Beyond `most` names the rest is counted: "a, b and 3 more"."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1:,} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def date_text(when: float) -> str:
    """Seconds since 1970 as local time, "22 Nov 2026, 14:05"; a dash for 0, which means unknown."""
    if not when:
        return DASH
    there = time.localtime(when)
    return f"{_day(there)}, {_clock(there)}"


def moment_text(when: float, now: float | None = None) -> str:
    """End of a sentence, for a time and now in seconds since 1970: "at 13:05", or "on 21 Nov 2026 at 13:05" if not
    today.
    """
    there, today = time.localtime(when), time.localtime(now)
    clock = f"at {_clock(there)}"
    return clock if there[:3] == today[:3] else f"on {_day(there)} {clock}"


def unbroken(text: str) -> str:
    """The text with no-break spaces."""
    return text.replace(" ", NBSP)


def shortened(text: str, most: int = 60) -> str:
    """At most this many characters, ending in an ellipsis if the text was cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def breakable(text: str, most: int = 80) -> str:
    """The text with what has no place for a line break, as a long file name, cut in its middle to so many characters:
    it would make a window as wide as it is itself.
    """
    half = most // 2
    return re.sub(rf"[^\s/\\-]{{{most + 1},}}", lambda found: f"{found[0][:half]}…{found[0][-half + 1 :]}", text)


def printable(text: str) -> str:
    """Text from a file with control characters and bidirectional formatting characters replaced by �."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def harmless(text: str) -> str:
    """Text for a terminal or a window: control and direction characters become �, bytes that are no UTF-8 \\xff.

    Line breaks and no-break spaces stay.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = as_unicode(text)
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in _CONTROL else "\N{REPLACEMENT CHARACTER}"
        for letter in shown
    )


def cut_within(text: str, most: int) -> str:
    """At most so many characters, with an ellipsis in the middle: a sentence about a long path keeps its end."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: the name of a file may hold bytes that are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_unicode(text: str) -> str:
    """The text with bytes that are no UTF-8 written out, as \\xff."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") if _escaped(text) else text


def _escaped(text: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in text)


def _day(there: time.struct_time) -> str:
    return f"{there.tm_mday} {_MONTHS[there.tm_mon - 1]} {there.tm_year}"


def _clock(there: time.struct_time) -> str:
    return f"{there.tm_hour}:{there.tm_min:02}"


def within_words(title: str) -> str:
    """A title in the middle of words: "clip norm", but "L2" and "Monte Carlo"."""
    if any(word[:1].isupper() and word[1:2].islower() for word in title.split()[1:]):
        return title
    return title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] == " " else title
