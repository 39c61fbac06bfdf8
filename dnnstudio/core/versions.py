"""The versions a run was made with, stored beside its figures: a seed reproduces results only with the same
versions.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version


def versions() -> dict[str, str]:
    """Name → version of the program, Python and the numerical libraries."""
    return dict(_found())


@cache
def _found() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for package, names in {
        "dnnstudio": ("dnnstudio",),
        "keras": ("keras",),
        "tensorflow": ("tensorflow-cpu", "tensorflow"),
        "numpy": ("numpy",),
    }.items():
        for name in names:
            try:
                found[package] = version(name)
                break
            except PackageNotFoundError:
                continue
    return found
