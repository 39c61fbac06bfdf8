"""P4 and P5 for the small files of a run: flipped bits are noticed, and mutated files cost little."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from dnnstudio.core.checksums import changed_files, note_file
from tests.core.workspace.test_fuzzed_readers import READERS, SLOWEST_S, fuzz, make_run

pytestmark = [pytest.mark.promise, pytest.mark.timeout(1800)]
CASES, FLIPS = 10_000, 1000
MOST_KB = 200_000
CHECKED = ("experiment.json", "metrics.json", "history.csv", "links.json", "preparation.json", "checksums.json")


@pytest.mark.parametrize("name", CHECKED)
def test_p4_every_flipped_bit_in_a_text_file_of_a_run_is_noticed(
    tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    run, chance = make_run(tmp_path / "0001 A"), random.Random(name)
    note_file(run / "history.csv")
    whole, noticed = (run / name).read_bytes(), 0
    for _ in range(FLIPS):
        content, place = bytearray(whole), chance.randrange(len(whole) * 8)
        content[place // 8] ^= 1 << place % 8
        (run / name).write_bytes(content)
        noticed += name in changed_files(run)
    record_property("figure", f"P4 {name}: {noticed} of {FLIPS} flipped bits noticed")
    assert noticed == FLIPS


@pytest.mark.parametrize("name", READERS)
def test_p5_mutated_files_of_a_run_cost_little(
    tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    run = make_run(tmp_path / "0001 A")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = fuzz(run / name, CASES, listed_each=20)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    record_property("figure", f"P5 {name}: {CASES} cases, slowest {slowest * 1000:.0f} ms, {grown / 1000:.0f} MB more")
    assert slowest < SLOWEST_S
    assert grown < MOST_KB
