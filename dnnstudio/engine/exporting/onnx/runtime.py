"""ONNX Runtime, which runs a written file, without what it tells of itself."""

from __future__ import annotations

import os
from types import ModuleType


def onnx_runtime() -> ModuleType:
    """The package. Raises `ImportError` where it is not installed.

    From 1.32 on its wheel for Linux gives the machine a number and keeps events of each session in the user's
    folder, for an address of Microsoft. It reads the variable as it is imported.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    package: ModuleType = onnxruntime
    return package
