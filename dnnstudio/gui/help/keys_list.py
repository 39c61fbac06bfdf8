"""All keys of the program as rows of a list, from the tables that set them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

from dnnstudio.gui.base.actions import ACTIONS
from dnnstudio.gui.base.shortcuts import BOUND, LIBRARY, PRESSED, RUNS

MAIN, LAYERS = "Main window", "Layers"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One line of the list; `keys` as the system writes them."""

    place: str
    keys: str
    what: str

    def holds(self, words: str) -> bool:
        """Whether every one of the searched words stands in it."""
        text = f"{self.place} {self.keys} {self.what}".casefold()
        return all(word in text for word in words.casefold().split())


def key_rows() -> tuple[KeyRow, ...]:
    """Every key, by the place where it works."""
    return tuple(KeyRow(place, _shown(keys), what.rstrip("…")) for place, keys, what in _rows() if keys)


def _rows() -> Iterator[tuple[str, tuple[str, ...], str]]:
    from dnnstudio.gui.library.dialog import DEEDS as LIBRARY_DEEDS
    from dnnstudio.gui.run_table.deeds import DEEDS as RUN_DEEDS
    from dnnstudio.gui.stack.commands_table import KEYS as LAYER_KEYS

    for row in ACTIONS:
        yield MAIN, row.keys, row.text
    for text, keys in LAYER_KEYS.values():
        yield LAYERS, keys, text
    for deed in RUN_DEEDS:
        yield RUNS, (deed.keys,) if deed.keys else (), deed.text
    for _, words, _, _, key in LIBRARY_DEEDS:
        yield LIBRARY, (key,) if key else (), words
    for known in (*BOUND, *PRESSED):
        yield known.place, known.keys, known.what


def _shown(keys: tuple[str, ...]) -> str:
    named = (QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys)
    return ", ".join(dict.fromkeys(named))
