"""What a run's network answered where a number is predicted, beside the true values: `answers.npz` in its folder."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.atomic_files import read_bounded, write_atomically
from dnnstudio.core.checksums import is_private
from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import is_missing
from dnnstudio.core.stored_arrays import read_stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FILE = "answers.npz"
MOST = 2_000
"""Rows of a part that are kept, evenly spaced: more dots would lie on each other."""
MAX_BYTES = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """True values and answers of some rows of a part, [rows] each, in the target's own unit."""

    values: Floats
    predicted: Floats

    @property
    def residuals(self) -> Floats:
        """True value minus answer, [rows]."""
        return self.values - self.predicted

    def spread(self, count: int = MOST) -> Answers:
        """At most `count` rows, evenly spaced over all."""
        import numpy as np

        if len(self.values) <= count:
            return self
        rows = np.linspace(0, len(self.values) - 1, count).round().astype(np.int64)
        return Answers(self.values[rows], self.predicted[rows])


def save_answers(folder: Path, answers: Mapping[str, Answers]) -> None:
    """Write those of each part into a run's folder. Raises `UserError`."""
    import numpy as np

    arrays: dict[str, Floats] = {}
    for part, found in answers.items():
        kept = found.spread()
        arrays |= {f"{part}_values": kept.values, f"{part}_predicted": kept.predicted}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_atomically(folder / FILE, content.getvalue(), private=is_private(folder))


def read_answers(folder: Path) -> dict[str, Answers]:
    """Part → answers; empty where the run has kept none. Raises `UserError` for a damaged file."""
    import numpy as np

    path = folder / FILE
    if is_missing(path):
        return {}
    content = read_bounded(path, MAX_BYTES, what="the answers of a run")
    try:
        arrays = {name: array.astype(np.float64) for name, array in read_stored(content).items()}
    except ValueError:
        arrays = {}
    parts = [name.removesuffix("_values") for name in arrays if name.endswith("_values")]
    found = {part: (arrays[f"{part}_values"], arrays.get(f"{part}_predicted")) for part in parts}
    good = {
        part: Answers(values, predicted)
        for part, (values, predicted) in found.items()
        if predicted is not None and values.ndim == 1 and values.shape == predicted.shape
    }
    if len(good) < len(parts) or not parts:
        raise UserError(f"{path} is damaged.", "Remove the file; the run has all else.")
    return good
