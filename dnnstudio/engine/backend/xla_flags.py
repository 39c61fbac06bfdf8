"""XLA's compiler flags, read from the environment when TensorFlow is imported."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

XLA_FLAGS = ("--xla_cpu_experimental_ynn_fusion_type=", "--xla_cpu_copy_insertion_use_region_analysis=true")
"""How the compiled steps are made: products of matrices by Eigen and oneDNN, on these sizes nearly twice as quick as
YNNPACK; and no copy of a weight that is only read before it changes."""


def with_own_flags(given: str) -> str:
    """The program's flags, for the TensorFlow version they were tested with, followed by the user's own `given`.

    XLA aborts the process at an unknown flag, so other versions get the user's flags only.
    """
    for package in ("tensorflow-cpu", "tensorflow"):
        with suppress(PackageNotFoundError):
            return " ".join([*XLA_FLAGS, given]).strip() if version(package).startswith("2.21.") else given
    return given
