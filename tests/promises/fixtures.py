"""What the tests of promises and the soak share: telling a figure, and that a test of a promise failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tests.promises.figures import FAILED, PROMISED, Figure


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[..., Figure]:
    """Call it with a promise's number, what was measured and the value: it is printed, and the caller asserts it.

    `of` makes a count of all cases, `at_most` and `at_least` are limits, `unit` is the value's.
    """

    def tell(promise: int, what: str, value: float, **more: Any) -> Figure:
        told = Figure(promise, what, float(value), **more)
        record_property(PROMISED, asdict(told))
        return told

    return tell


def promises_of(item: pytest.Item) -> list[int]:
    """The numbers of the promises that a test is of."""
    return sorted({number for mark in item.iter_markers("promise") for number in mark.args})


def note_failure(item: pytest.Item, report: Any) -> None:
    """Write the promises of a test that failed into its report."""
    if report.failed:
        report.user_properties.extend((FAILED, number) for number in promises_of(item))
