"""Answers to a block of cases as arrays, with what a window needs to look at one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs.cases import AnswerRows
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.engine.data.pictures.thumbnails import is_picture, to_pictures
from dnnstudio.engine.predicting.items import Item
from dnnstudio.engine.predicting.network import Network, Said
from dnnstudio.engine.predicting.predict import NOT_FINITE

SHOWN_CLASSES = 6
"""So many of the likeliest classes keep what each pass said."""
PICTURE_SIDE = 64
KEPT_BYTES = 2**26
"""Of passes, of small pictures and of cells each, over all blocks of one job: later cases have none."""
PASSES_BYTES = 2**26
"""What the passes of one block may take while they are computed."""


class Maker:
    """Makes the blocks of one job, and counts what they hold."""

    def __init__(self, network: Network, full_scale: float | None, *, table: bool) -> None:
        self._network = network
        self._full_scale = full_scale
        self._table = table
        self._held = {"passes": 0, "pictures": 0, "cells": 0}

    def answered(self, items: Sequence[Item], number: int) -> AnswerRows:
        """The answers to the cases of the block with this number, those that cannot be answered in their places."""
        places = np.asarray([place for place, item in enumerate(items) if item.values is not None], np.int64)
        stored = [item.values for item in items if item.values is not None]
        errors = [item.error for item in items]
        made = AnswerRows(
            sources=tuple(item.source for item in items),
            rows=np.asarray([item.row or 0 for item in items], np.int64),
            errors=tuple(errors),
            values=np.full((len(items), *(() if not self._network.classes else (len(self._network.classes),))), np.nan),
        )
        if not stored:
            return made
        x = np.stack(stored)
        keep = self._network.has_passes and self._worth_keeping(len(x))
        said = self._network.say(x, number, with_passes=keep)
        wrong = said.unusable | ~np.isfinite(said.values).reshape(len(x), -1).all(axis=1)
        for place in places[wrong].tolist():
            errors[place] = NOT_FINITE
        good = ~wrong
        return _filled(made, tuple(errors), places[good], said, good, *self._looks(x, len(items), places))

    def _worth_keeping(self, count: int) -> bool:
        outputs = max(1, len(self._network.classes))
        return self._held["passes"] < KEPT_BYTES and 4 * count * outputs * self._network.passes <= PASSES_BYTES

    def _looks(
        self, x: NDArray[np.generic], count: int, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8] | None, Floats | None, Maker]:
        """Small pictures, or the cells of a table's rows, at their places among `count` cases."""
        pictures: NDArray[np.uint8] | None = None
        cells: Floats | None = None
        if self._table and x.ndim == 2 and self._held["cells"] < KEPT_BYTES:
            cells = np.full((count, x.shape[1]), np.nan)
            cells[places] = x
            self._held["cells"] += cells.nbytes
        elif is_picture(x.shape[1:]) and self._held["pictures"] < KEPT_BYTES:
            small = to_pictures(x, self._full_scale)
            step = max(1, -(-max(small.shape[1:3]) // PICTURE_SIDE))
            small = small[:, ::step, ::step]
            pictures = np.zeros((count, *small.shape[1:]), np.uint8)
            pictures[places] = small
            self._held["pictures"] += pictures.nbytes
        return pictures, cells, self

    def hold(self, passes: NDArray[np.float32]) -> None:
        """Count what is kept of the passes [rows, passes, k]."""
        self._held["passes"] += passes.nbytes


def _filled(
    made: AnswerRows,
    errors: tuple[str, ...],
    places: NDArray[np.int64],
    said: Said,
    good: NDArray[np.bool_],
    pictures: NDArray[np.uint8] | None,
    cells: Floats | None,
    maker: Maker,
) -> AnswerRows:
    """The block with what was said of its `good` rows, which stand at `places`."""
    count = len(made)

    def spread(column: Floats | None) -> Floats | None:
        if column is None:
            return None
        whole = np.full((count, *column.shape[1:]), np.nan)
        whole[places] = column[good]
        return whole

    values = spread(said.values)
    assert values is not None
    passes = top = votes = None
    if said.passes is not None:
        passes, top, votes = _of_passes(said, good, places, count)
        maker.hold(passes)
    return AnswerRows(
        sources=made.sources,
        rows=made.rows,
        errors=errors,
        values=values,
        std=spread(said.std),
        predictive_entropy=spread(said.predictive_entropy),
        mutual_information=spread(said.mutual_information),
        off=spread(said.off),
        passes=passes,
        top=top,
        votes=votes,
        pictures=pictures,
        cells=cells,
    )


def _of_passes(
    said: Said, good: NDArray[np.bool_], places: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """What each pass said of the likeliest classes [count, passes, k], which they are [count, k], and their votes."""
    assert said.passes is not None
    given = said.passes[:, good]
    if given.ndim == 2:  # a number
        passes = np.full((count, len(given), 1), np.nan, np.float32)
        passes[places, :, 0] = given.T
        return passes, np.zeros((count, 1), np.int64), np.zeros((count, 1), np.int64)
    classes = given.shape[2]
    shown = min(SHOWN_CLASSES, classes)
    order = np.argsort(-said.values[good], axis=1, kind="stable")[:, :shown]
    firsts = given.argmax(axis=2)
    counted = np.stack([(firsts == number).sum(axis=0) for number in range(classes)], axis=1)
    passes = np.full((count, len(given), shown), np.nan, np.float32)
    passes[places] = np.take_along_axis(given, order[None], axis=2).transpose(1, 0, 2)
    top, votes = np.zeros((count, shown), np.int64), np.zeros((count, shown), np.int64)
    top[places] = order
    votes[places] = np.take_along_axis(counted, order, axis=1)
    return passes, top, votes
