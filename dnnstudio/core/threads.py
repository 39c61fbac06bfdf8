"""The number of threads TensorFlow uses. It is part of a run's record, because another number may change the order of
sums.

TensorFlow fixes the number at start-up, so it is set by the environment. Nothing heavy is imported here, so that it can
be read before TensorFlow is imported.
"""

from __future__ import annotations

import os

from dnnstudio.core.errors import UserError

VARIABLE = "DNNSTUDIO_THREADS"
"""Environment variable with the number of threads; without it TensorFlow uses all available processors."""


def given_threads() -> int | None:
    """The number of threads set in the environment; None leaves it to TensorFlow. Raises `UserError`."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        raise UserError(
            f'The environment variable {VARIABLE} is "{text}"; it must be a whole number from 1 to 1024.',
            "Set it to the number of processors to use, or remove it.",
        )
    return int(text)


def usable_processors() -> int:
    """The number of processors available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """The number of threads TensorFlow uses in this process. Raises `UserError`."""
    return given_threads() or usable_processors()
