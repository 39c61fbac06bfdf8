"""Public name for notebooks: `import dnnstudio.engine.schedules` before opening a file with a schedule that Keras
lacks.

Saved files have named `ScheduledRate` by this module since version 0.1.0, so the name stays wherever the class is.
"""

from __future__ import annotations

from dnnstudio.engine.backend.schedules import ScheduledRate

__all__ = ["ScheduledRate"]
