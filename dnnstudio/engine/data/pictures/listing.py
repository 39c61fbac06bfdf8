"""The labelled pictures of a folder: each with its class and its part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import PART_NAMES
from dnnstudio.core.text import as_unicode, is_unicode
from dnnstudio.engine.data.pictures.files import Found, LeftOuts

ORDER_SEED = 20_170_826
"""Files come sorted by class; they are mixed once, always alike, so that the first rows hold every class."""
PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)

Item = tuple[tuple[str, ...], str, int]
"""A picture's path from the folder on, its class, and its part."""


@dataclass(frozen=True, eq=False)
class Listing:
    """The labelled pictures: files with the class (int64) and the part (int64, 0 training, 1 validation, 2 test).

    They come part by part, mixed within each. `has_parts` says whether the files decide more than the training part.
    `unlabelled` pictures have no class. `tables` are the files that were read for the labels.
    """

    root: Path
    files: tuple[Path, ...]
    labels: NDArray[np.int64]
    parts: NDArray[np.int64]
    classes: tuple[str, ...]
    layout: str
    left_out: LeftOuts
    unlabelled: tuple[Path, ...] = ()
    unlabelled_folders: tuple[str, ...] = ()
    tables: tuple[Path, ...] = ()

    @property
    def has_parts(self) -> bool:
        return bool((self.parts > 0).any())


def part_of(name: str) -> int | None:
    """Which part a folder of that name is: 0, 1 or 2; None for any other name."""
    return PART_NAMES.get(name.strip().casefold())


def make_listing(
    found: Found,
    items: list[Item],
    classes: tuple[str, ...],
    layout: str,
    without: Iterable[tuple[str, ...]] = (),
    tables: tuple[Path, ...] = (),
) -> Listing:
    """The listing of labelled pictures, mixed part by part. Refuses a class of which no training picture is there."""
    for name in classes:
        if not is_unicode(name):
            raise UserError(
                f"The folder {as_unicode(name)} in {found.root} has a name that is not UTF-8 text, so it can name no "
                "class.",
                "Rename it.",
            )
    counts = Counter(name for _, name, part in items if part == TRAIN)
    for name in classes:
        if not counts[name]:
            raise UserError(
                f'No training picture of the class "{name}" is in {found.root}.',
                "Put pictures of it there, or remove its folder.",
            )
    random = np.random.default_rng(ORDER_SEED)
    ordered: list[Item] = []
    for part in range(len(PARTS)):
        of_part = [item for item in items if item[2] == part]
        ordered += [of_part[index] for index in random.permutation(len(of_part))]
    place = {name: index for index, name in enumerate(classes)}
    lost = sorted(without)
    return Listing(
        root=found.root,
        files=tuple(found.path(names) for names, _, _ in ordered),
        labels=np.asarray([place[name] for _, name, _ in ordered], np.int64),
        parts=np.asarray([part for _, _, part in ordered], np.int64),
        classes=classes,
        layout=layout,
        left_out=found.left_out,
        unlabelled=tuple(found.path(names) for names in lost),
        unlabelled_folders=tuple(sorted({"/".join(names[:-1]) for names in lost} - {""})),
        tables=tables,
    )
