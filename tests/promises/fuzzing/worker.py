"""Reads mutated files of one kind in a process of its own: `worker KIND FROM TO FOLDER` as a module.

Before each case its number goes into the file `case`, so that a case that ends the process is known. At the end stands
a line of JSON.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
import traceback
from pathlib import Path

from dnnstudio.core.errors import LONGEST, UserError
from tests.promises.fuzzing.kinds import KINDS, changed

MEMORY = 2**30
"""Address space beyond what the process has after its first reading: far above the promise, which is asserted."""
SECONDS = 60
"""A case that computes for longer is ended by the system, and known by its number."""
SECONDS_OF_A_CHILD = 3
"""The same where the program reads in a child process, which it gives about as long."""
WARM_UP = 25


def main(name: str, first: int, last: int, folder: Path) -> None:
    kind = KINDS[name]
    made = folder / "made"
    made.mkdir()
    path = kind.make(made)
    whole = path.read_bytes()
    kind.read(path)
    found = {"cases": 0, "opened": 0, "refused": 0, "slowest": 0.0, "slowest_case": -1, "grown_mb": 0.0}
    bugs: list[str] = []
    settled = 0.0
    for number in range(first, last):
        chance = random.Random(f"{name} {number}")
        (folder / "case").write_text(str(number))
        if number == first + WARM_UP:
            settled = peak_mb(anew=True)
            _limit()
        path.write_bytes(changed(whole, chance))
        _end_after(SECONDS_OF_A_CHILD if kind.dies else SECONDS)
        begun = time.thread_time()
        try:
            kind.read(path)
            found["opened"] += 1
        except UserError as error:
            found["refused"] += 1
            if not 10 < len(str(error)) <= LONGEST or not str(error).replace("\n", "").isprintable():
                bugs.append(f"{number}: {str(error)!r}")
        except BaseException:
            bugs.append(f"{number}: {traceback.format_exc(limit=-4)}")
        took = time.thread_time() - begun
        found["cases"] += 1
        if took > found["slowest"]:
            found["slowest"], found["slowest_case"] = took, number
    found["grown_mb"] = peak_mb() - settled if settled else 0.0
    print(json.dumps(found | {"bugs": bugs[:20], "bugs_in_all": len(bugs)}))


def peak_mb(*, anew: bool = False) -> float:
    """The most memory that this process has held, in MB; from now on where it is counted `anew`.

    `ru_maxrss` would not do: after `exec` it still counts what the parent held (getrusage(2)).
    """
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def _limit() -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))


def _end_after(seconds: int) -> None:
    """Let the process be ended by SIGXCPU once it has computed for so many seconds more."""
    limit = int(time.process_time()) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
