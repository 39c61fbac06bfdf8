"""The script's way to the rows: a source that nobody described is refused, not guessed at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Source
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.rows import data_lines


class Unheard(Source, late=True):
    """A source that says it is read in plain Keras, though the script has no lines for it."""

    kind: Literal["unheard"] = "unheard"
    label = "Unheard"
    in_plain_keras = True


@pytest.fixture
def unheard() -> Iterator[Source]:
    with Source.kinds.added(Unheard):
        yield Unheard()


def test_a_source_without_lines_of_its_own_is_refused(unheard: Source) -> None:
    experiment = Experiment(data=Data(source=unheard))
    with pytest.raises(UserError, match="How a script reads Unheard is not known"):
        data_lines(experiment)
