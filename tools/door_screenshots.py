"""Pictures of the window that opens a person's own data, light and dark, in two sizes.

`xvfb-run -s "-screen 0 1600x1000x24" .venv/bin/python tools/door_screenshots.py FILE_OR_FOLDER OUT_FOLDER`; the data is
read by the real engine's code, without TensorFlow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = ((1440, 900), (1024, 700))
PATIENCE_S = 60.0
REST_S = 0.3


class Reader:
    """A session that knows this one job."""

    def run(self, job: Any, control: Any, emit: object) -> object:
        from dnnstudio.engine.data.answering import propose_data

        del emit
        return propose_data(job, control=control)

    def warm_up(self) -> None:
        """Nothing to import."""


def main(source: Path, out: Path) -> None:
    """Write `OUT/data_{theme}_{width}.png`."""
    from PySide6.QtWidgets import QApplication

    from dnnstudio.gui.base.engine_thread import Engine
    from dnnstudio.gui.base.job_client import JobClient
    from dnnstudio.gui.data.door.choices import Choices
    from dnnstudio.gui.data.door.window import DoorWindow
    from dnnstudio.gui.theme import Theme

    app = QApplication([])
    theme = Theme(app, "light")
    engine = Engine(new_session=Reader)
    engine.start()
    out.mkdir(parents=True, exist_ok=True)

    def wait(ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > deadline:
                raise SystemExit("The window did not come so far in time.")
            app.processEvents()
            time.sleep(0.01)

    for look in ("light", "dark"):
        theme.apply("dark" if look == "dark" else "light")
        for width, height in SIZES:
            client = JobClient(engine)
            door = DoorWindow(theme, client, Choices(paths=(source,), seed=42))
            door.resize(width, height)
            door.show()
            wait(lambda client=client: not client.busy)  # type: ignore[misc]
            end = time.monotonic() + REST_S
            wait(lambda end=end: time.monotonic() > end)  # type: ignore[misc]
            door.grab().save(str(out / f"data_{look}_{width}.png"))
            door.close()
    engine.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
