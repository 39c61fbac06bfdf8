"""What a run was made with: written beside its figures, because the same seed promises the same only on the same."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def versions() -> dict[str, str]:
    """Name → version of the program, Python and the libraries that the numbers depend on."""
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
