"""What a network can be asked, from how its rows were prepared: classes and kinds of files."""

from __future__ import annotations

from dnnstudio.core.jobs.cases import NetworkFacts
from dnnstudio.engine.backend.noise import random_layers
from dnnstudio.engine.predicting.columns import columns_of
from dnnstudio.engine.predicting.predict import Asked


def facts_of(asked: Asked) -> NetworkFacts:
    """The facts of a network or ensemble; those of its rows are its first member's."""
    first = asked.members[0][1]
    readers = asked.readers()
    target = "" if first.table is None else first.table.target.name
    return NetworkFacts(
        classes=first.classes,
        target=target,
        random=all(random_layers(live.model) for live, _ in asked.members),
        members=len(asked.members),
        pictures=readers.pictures is not None and readers.pictures.can_read,
        tables=readers.tables is not None,
        arrays=readers.arrays is not None,
        columns=columns_of(first),
    )
