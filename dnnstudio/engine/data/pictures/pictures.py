"""Pictures as they lie on the disk to rows: listed, decoded or found in the cache, and reported on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Pictures, ReadingReport
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.columns import SplitKeys
from dnnstudio.engine.data.pictures import cache
from dnnstudio.engine.data.pictures.layout import list_pictures
from dnnstudio.engine.data.pictures.listing import Listing
from dnnstudio.engine.data.pictures.many import EIGHT_BITS, Decoded, decode_all
from dnnstudio.engine.data.raw import Raw, Rows, digest_of
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.sources import reader, with_test_note


def picture_files(source: Pictures, watch: Watch) -> tuple[Path, ...]:
    """All files that decide the rows: when one of them changes, or one comes or goes, the folder is read again."""
    listing = list_pictures(source, watch)
    return (*listing.files, *listing.tables, *listing.unlabelled)


@reader(Pictures, files=picture_files)
def _read_source(source: Pictures, watch: Watch) -> Raw:
    return with_test_note(read_pictures(source, watch))


def read_pictures(source: Pictures, watch: Watch) -> Raw:
    """The labelled pictures: uint8 rows [n, height, width] or [n, height, width, 3], float32 where a file is deeper.

    Raises `UserError`, or `Cancelled` by the watch.
    """
    listing = list_pictures(source, watch)
    decoded = _decoded(source, listing, watch)
    for place, reason in decoded.refused:
        listing.left_out.add(listing.files[place].relative_to(listing.root).as_posix(), reason)
    labels, parts = listing.labels[decoded.index], listing.parts[decoded.index]
    for index, name in enumerate(listing.classes):
        if not (labels[parts == 0] == index).any():
            place, reason = next(item for item in decoded.refused if listing.labels[item[0]] == index)
            raise UserError(
                f'No training picture of the class "{name}" in {listing.root} can be used '
                f"({listing.files[place].name}: {reason}).",
                "Put others into its folder, or remove it.",
            )
    report = _report(source, listing, decoded)
    return Raw(
        train=Rows(decoded.x, labels),
        test=None,
        labels=tuple(range(len(listing.classes))),
        names=listing.classes,
        origin=f"{count_of(len(labels), 'picture')} in {listing.root}",
        full_scale=full_scale(source, decoded),
        notes=tuple(report.sentences()),
        digest=digest_of(decoded.x, labels, parts),
        keys=SplitKeys(parts=parts) if listing.has_parts else SplitKeys(),
        report=report,
    )


def full_scale(source: Pictures, decoded: Decoded) -> float | None:
    """What "unit" divides by: 255, or the one white of all pictures where some are deeper."""
    if not decoded.deep:
        return EIGHT_BITS
    return source.full_scale or decoded.deep_scale


def _decoded(source: Pictures, listing: Listing, watch: Watch) -> Decoded:
    size = (source.height, source.width)
    worth = len(listing.files) >= cache.WORTH
    key = cache.key_of(listing.files, *size, color=source.color) if worth else None
    if key is not None and (found := cache.load(key)) is not None:
        watch.tell(len(listing.files), len(listing.files), "Reading pictures")
        return found
    decoded = decode_all(listing.files, *size, color=source.color, watch=watch, what=listing.root.name)
    # Files that changed while they were read must not be remembered under their names of before.
    if key is not None and key == cache.key_of(listing.files, *size, color=source.color):
        cache.store(key, decoded)
    return decoded


def _report(source: Pictures, listing: Listing, decoded: Decoded) -> ReadingReport:
    parts = tuple(int(count) for count in np.bincount(listing.parts[decoded.index], minlength=3))
    return ReadingReport(
        layout=listing.layout,
        used=len(decoded.index),
        parts=(parts[0], parts[1], parts[2]) if listing.has_parts else None,
        left_out=tuple(listing.left_out.named),
        left_out_count=listing.left_out.count,
        unlabelled=len(listing.unlabelled),
        unlabelled_folders=listing.unlabelled_folders,
        notes=tuple(_conversions(source, decoded)),
    )


def _conversions(source: Pictures, decoded: Decoded) -> Iterator[str]:
    if decoded.deep:
        white = full_scale(source, decoded)
        scale = "the range of the training pictures is the scale" if white is None else f"white is {white:,g}"
        yield f"More than 8 bits in {count_of(decoded.deep, 'picture')}: {scale} for all of them."
        others = len(decoded.index) - decoded.deep
        if others:
            yield f"Brought to the same scale: {count_of(others, 'picture')} of 8 bits."
    if decoded.cut:
        yield f"Read as 8 bits a channel: {count_of(decoded.cut, 'colour picture')} of 16 bits."
    if decoded.alpha:
        yield f"Laid on white: {count_of(decoded.alpha, 'picture')} with transparent places."
