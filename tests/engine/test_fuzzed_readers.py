"""A few of the mutated files of which `make promises` reads 10,000 a kind: each is read or refused in one sentence."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dnnstudio.core.errors import LONGEST, UserError
from tests.promises.fuzzing.kinds import KINDS, changed
from tests.thorough import some

CASES = 30
SAFE = [name for name, kind in KINDS.items() if not kind.dies]
"""What lies in the window's own process; model files are read by another one."""
QUICK = ("Excel table", "Parquet table", "IDX", "NumPy arrays", "checkpoint", "bundle", "sweep", "schedule piecewise")


@pytest.mark.filterwarnings("ignore:More samples per pixel:UserWarning")
@pytest.mark.parametrize("name", some(SAFE, QUICK))
def test_a_file_that_was_changed_anyhow_is_read_or_refused(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    path = kind.make(tmp_path)
    whole = path.read_bytes()
    kind.read(path)
    for number in range(CASES):
        path.write_bytes(changed(whole, random.Random(f"{name} {number}")))
        try:
            kind.read(path)
        except UserError as error:
            assert 10 < len(str(error)) <= LONGEST
            assert str(error).replace("\n", "").isprintable()
