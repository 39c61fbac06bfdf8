"""A panic of a library written in Rust is a refusal; what is none stays what it is."""

from __future__ import annotations

import polars as pl
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.engine.data.panics import refused_as

REFUSAL = UserError("a.parquet cannot be read.", "Save it again.")


@pytest.mark.parametrize("fault", [pl.exceptions.PanicException("offset + length <= self.length"), OSError(5, "a")])
def test_a_panic_and_a_named_fault_become_the_refusal(fault: BaseException) -> None:
    with pytest.raises(UserError) as caught, refused_as(REFUSAL, OSError):
        raise fault
    assert caught.value is REFUSAL


@pytest.mark.parametrize("fault", [Cancelled(), KeyboardInterrupt(), ZeroDivisionError(), UserError("b", "c")])
def test_other_errors_pass(fault: BaseException) -> None:
    with pytest.raises(type(fault)) as caught, refused_as(REFUSAL, OSError):
        raise fault
    assert caught.value is fault
