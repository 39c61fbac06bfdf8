"""Libraries written in Rust (polars, fastexcel) panic where a damaged file breaks what they take for granted.

A panic arrives as pyo3's `PanicException`, which each library has its own class of, and which is no `Exception`:
https://pyo3.rs/main/doc/pyo3/panic/struct.PanicException
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dnnstudio.core.errors import UserError

_MODULE = "pyo3_runtime"


@contextmanager
def refused_as(refusal: UserError, *faults: type[Exception]) -> Iterator[None]:
    """Raises `refusal` where a block ends by one of the faults or by a panic; other errors pass."""
    try:
        yield
    except faults:
        raise refusal from None
    except BaseException as error:
        if type(error).__module__ != _MODULE:
            raise
        raise refusal from None
