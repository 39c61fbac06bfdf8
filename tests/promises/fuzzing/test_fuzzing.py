"""P5 for everything that reads what somebody else may have written: 10,000 mutated files a kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.promises.fuzzing.kinds import KINDS

pytestmark = [pytest.mark.promise(5), pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[3]
CASES = int(os.environ.get("FUZZ_CASES", "10000"))
SLOWEST_S, MOST_MB = 2.0, 200.0
MOST_DEATHS = 50


def fuzzed(name: str, folder: Path) -> dict[str, Any]:
    """What the worker found; started anew behind a case that ended it, which is counted in `deaths`."""
    found: Counter[str] = Counter()
    worst = {"slowest": 0.0, "grown_mb": 0.0}
    bugs: list[str] = []
    first = 0
    while first < CASES:
        here = folder / str(first)
        here.mkdir()
        words = [sys.executable, "-m", "tests.promises.fuzzing.worker", name, str(first), str(CASES), str(here)]
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1500, errors="replace",
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "POLARS_MAX_THREADS": "1"},
        )  # fmt: skip
        if done.returncode == 0:
            said = json.loads(done.stdout.splitlines()[-1])
            found.update({key: said[key] for key in ("opened", "refused", "cases")})
            bugs += said["bugs"]
            worst = {key: max(worst[key], said[key]) for key in worst}
            break
        ended_at = int((here / "case").read_text()) if (here / "case").exists() else -1
        assert done.returncode < 0, done.stderr[-2000:]
        found["deaths"] += 1
        found["cases"] += ended_at - first + 1
        bugs += [] if KINDS[name].dies else [f"{ended_at}: ended by signal {-done.returncode}: {done.stderr[-500:]}"]
        assert found["deaths"] <= MOST_DEATHS, bugs
        first = ended_at + 1
    return dict(found) | worst | {"bugs": bugs, "deaths": found["deaths"]}


@pytest.mark.parametrize("name", KINDS)
def test_p5_mutated_files_of_any_kind_are_read_or_refused(name: str, tmp_path: Path, figure: Any) -> None:
    found = fuzzed(name, tmp_path)
    figure(5, "mutated files read or refused", found["cases"] - len(found["bugs"]), of=CASES)
    figure(5, "kinds of file", 1, of=1)
    slowest = figure(5, "slowest file", found["slowest"], unit="s", at_most=SLOWEST_S)
    most = figure(5, "most memory beyond the start", found["grown_mb"], unit="MB", at_most=MOST_MB)
    if KINDS[name].dies:
        figure(5, "of them ended the process that reads models", found["deaths"])
    assert found["bugs"] == []
    assert found["cases"] == CASES
    assert slowest.kept
    assert most.kept
