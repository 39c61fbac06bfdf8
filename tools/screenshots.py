"""The README's pictures, drawn by the program itself.

`xvfb-run -s "-screen 0 1600x1000x24" .venv/bin/python tools/screenshots.py` opens the real window with
the real engine, trains a recipe on Fashion-MNIST and grabs it in the middle.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "resources" / "screenshots"
PATIENCE_S = 180.0


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DNNSTUDIO_SETTINGS"] = str(Path(folder) / "settings")
        for theme in ("light", "dark"):
            _draw(theme, Path(folder) / theme)


def _draw(choice: str, workspace: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from dnnstudio.core.recipes import load_recipe
    from dnnstudio.gui.document import Document
    from dnnstudio.gui.engine_thread import Engine
    from dnnstudio.gui.main_window import MainWindow
    from dnnstudio.gui.settings import Settings
    from dnnstudio.gui.theme import Theme

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    settings = Settings()
    settings.workspace = workspace
    theme = Theme(app, "dark" if choice == "dark" else "light")
    theme.apply()
    document = Document(load_recipe("dropout").experiment)
    engine = Engine(parent=app)
    window = MainWindow(document, engine, theme, settings)
    window.resize(1440, 900)
    window.show()
    engine.start()
    _wait(app, lambda: engine.state.phase == "ready")
    document.select([document.experiment.layers[2].id])
    window.train()
    curves = lambda: window.plots.curves  # noqa: E731
    planned = document.experiment.training.epochs
    _wait(app, lambda: bool(curves()) and (curves().ended or curves().now > 0.6 * planned))
    window.plots.redraw()
    PICTURES.mkdir(parents=True, exist_ok=True)
    window.grab().save(str(PICTURES / f"window_{choice}.png"))
    window.close_without_asking()
    _wait(app, lambda: not window.isVisible())


def _wait(app: object, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit("The window did not come so far in time.")
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.01)


if __name__ == "__main__":
    main()
