"""Cases of which `make test` runs a few and `make thorough` the rest.

Only for cases that vary what another one holds already: each kind of optimizer, layer or file keeps a case in
`make test`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def some(cases: Iterable[Any], keep: Collection[Any]) -> list[Any]:
    """`cases` for `pytest.mark.parametrize`: those not in `keep` are marked thorough.

    Raises `ValueError` for one to keep that is no case, so that no case is lost by a name that has changed.
    """
    found = list(cases)
    missing = [case for case in keep if case not in found]
    if missing:
        raise ValueError(f"no such cases: {missing}")
    values = [case if isinstance(case, tuple) else (case,) for case in found]
    return [
        pytest.param(*given, marks=() if case in keep else pytest.mark.thorough)
        for case, given in zip(found, values, strict=True)
    ]
