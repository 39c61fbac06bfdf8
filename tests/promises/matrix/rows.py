"""The matrix of bad input and faults: 78 rows, and for each the tests that show what the program does.

A test is named by its file below `tests` and its function; `tests/test_matrix.py` looks whether it is there. Where a
part of a row cannot be tested here, the reason says why.
"""

from __future__ import annotations

from typing import Literal

from tests.promises.matrix.files import DATA_FILES, MODEL_FILES
from tests.promises.matrix.use import SAVING, USE

Part = Literal["A", "B", "C", "D"]
PARTS = {"A": MODEL_FILES, "B": DATA_FILES, "C": SAVING, "D": USE}
ROWS = (*MODEL_FILES, *DATA_FILES, *SAVING, *USE)


def shown_by(part: Part) -> tuple[str, ...]:
    """The tests that show the rows of a part, each once."""
    return tuple(dict.fromkeys(test for row in PARTS[part] for test in row.tests))
