"""Location of the bundled files: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent.parent


def resource_folder() -> Path:
    """The folder `resources`: `dnnstudio/resources` in a wheel, the checkout's own otherwise."""
    installed = _HERE / "resources"
    return installed if installed.is_dir() else _HERE.parent / "resources"
