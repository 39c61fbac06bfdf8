"""How many trainings this machine can run at a time, and how many threads each gets."""

from __future__ import annotations

import psutil

from dnnstudio.core.threads import usable_processors

JOB_BYTES = 2**30
"""Memory per training process; TensorFlow alone uses half of it."""


def default_jobs(most: int | None = None) -> int:
    """As many jobs as there are processors and as free memory allows: at least one, at most `most`."""
    free = int(psutil.virtual_memory().available // JOB_BYTES)
    jobs = min(usable_processors(), free)
    return max(1, jobs if most is None else min(jobs, most))


def threads_each(jobs: int) -> int:
    """The threads of each of `jobs` concurrent trainings, so that they do not compete for processors."""
    return max(1, usable_processors() // jobs)
