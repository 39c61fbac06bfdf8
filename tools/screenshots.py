"""The README's pictures, drawn by the program itself.

`xvfb-run -s "-screen 0 1600x1000x24" .venv/bin/python tools/screenshots.py` opens the real window with
the real engine, trains recipes on Fashion-MNIST and grabs what a person sees. Words after it draw some of them alone:
window_light, window_dark, transfer, data.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dnnstudio.gui.shell.main_window import MainWindow

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "resources" / "screenshots"
PATIENCE_S = 300.0


class Studio:
    """The program's window in one theme."""

    def __init__(self, theme: str, workspace: Path, recipe: str) -> None:
        from PySide6.QtWidgets import QApplication

        from dnnstudio.core.experiment.recipes import load_recipe
        from dnnstudio.gui.base.document import Document
        from dnnstudio.gui.base.engine_thread import Engine
        from dnnstudio.gui.base.settings import Settings
        from dnnstudio.gui.shell.main_window import MainWindow
        from dnnstudio.gui.theme import Theme

        app = QApplication.instance() or QApplication([])
        assert isinstance(app, QApplication)
        self.app = app
        self.theme = theme
        settings = Settings()
        settings.workspace = workspace
        colors = Theme(app, "dark" if theme == "dark" else "light")
        colors.apply()
        engine = Engine(parent=app)
        self.window: MainWindow = MainWindow(Document(load_recipe(recipe).experiment), engine, colors, settings)
        self.window.resize(1440, 900)
        self.window.show()
        engine.start()
        self.wait(lambda: engine.state.phase == "ready")

    def wait(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > deadline:
                raise SystemExit("The window did not come so far in time.")
            self.app.processEvents()
            time.sleep(0.01)

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def train(self, share: float = 1.0) -> None:
        """Train the open experiment to a share of its planned epochs, or to its end."""
        self.window.workbench.transfer.train()
        curves = lambda: self.window.workbench.plots.curves  # noqa: E731
        planned = self.window.document.experiment.training.epochs
        self.wait(lambda: curves() is not None and curves().now > min(share, 0.99) * planned)
        if share >= 1.0:
            self.wait(lambda: not self.window.workbench.controller.training)
            self.rest(1)

    def grab(self, widget: QWidget, name: str) -> None:
        from PySide6.QtGui import QCursor

        QCursor.setPos(0, 0)  # nothing is pointed at
        self.rest(0.3)
        PICTURES.mkdir(parents=True, exist_ok=True)
        widget.grab().save(str(PICTURES / f"{name}_{self.theme}.png"))

    def close(self) -> None:
        self.window.close_without_asking()
        self.wait(lambda: not self.window.isVisible())


def main() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DNNSTUDIO_SETTINGS"] = str(Path(folder) / "settings")
        drawn: dict[str, Callable[[Path], None]] = {
            "window_light": partial(_draw_window, "light"),
            "window_dark": partial(_draw_window, "dark"),
            "transfer": _draw_transfer,
            "data": _draw_data,
        }
        for name in sys.argv[1:] or drawn:
            drawn[name](Path(folder) / name)


def _draw_window(theme: str, workspace: Path) -> None:
    """In the middle of a training, and what a hundred passes with dropout say of the test images afterwards."""
    studio = Studio(theme, workspace, "dropout")
    window = studio.window
    window.document.select([window.document.experiment.layers[2].id])
    studio.train(0.6)
    window.workbench.plots.redraw()
    studio.grab(window, "window")
    studio.wait(lambda: not window.workbench.controller.training)
    studio.rest(1)
    if theme == "light":
        window.workbench.uncertainty.open()
        (dialog,) = window.workbench.uncertainty.windows
        studio.wait(lambda: dialog.inspection.finished)
        studio.rest(1)
        studio.grab(dialog, "uncertainty")
    studio.close()


def _draw_transfer(workspace: Path) -> None:
    """Task B about to start from the layers of task A."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from dnnstudio.core.experiment.recipes import load_recipe

    studio = Studio("light", workspace, "task_a")
    studio.train()
    studio.window.document.new(load_recipe("task_b").experiment)

    def draw() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        studio.rest(2)
        studio.grab(dialog, "transfer")
        dialog.close()

    QTimer.singleShot(1000, draw)
    studio.window.workbench.transfer.reuse_layers()
    studio.close()


def _draw_data(workspace: Path) -> None:
    """A table as an office program exports it, ready to be trained on."""
    workspace.mkdir()
    table = workspace / "kunden_export.csv"
    table.write_bytes(customers().encode("cp1252"))
    studio = Studio("light", workspace, "digits")
    studio.window.workbench.door.open_data((table,))
    (door,) = studio.window.workbench.door.windows
    door.resize(1440, 900)
    studio.rest(0.5)
    studio.wait(lambda: not door.client.busy)
    studio.grab(door, "data")
    studio.close()


def customers(rows: int = 903, seed: int = 7) -> str:
    """A table with semicolons, decimal commas, dates by days, empty cells and three lines that were cut off."""
    draw = random.Random(seed)
    regions, contracts = ("West", "Süd", "Nord", "Ausland", "Mitte", "Ost"), ("Frei", "Basis", "Plus", "Premium")
    lines = ["Nr;Aufnahme;Alter;Region;Umsatz;Vertrag;Newsletter;Zusage"]
    for number in range(1, rows + 1):
        day = date(2018, 1, 1) + timedelta(days=draw.randrange(7 * 365))
        age, sales = draw.randint(18, 84), min(draw.lognormvariate(6, 1), 7000)
        wants = draw.random() < 0.36
        agrees = draw.random() < 0.25 + 0.2 * wants + 0.3 * (sales > 400)
        cells = (
            str(number),
            f"{day:%d.%m.%Y}",
            "" if draw.random() < 0.005 else str(age),
            draw.choice(regions),
            f"{sales:,.2f}".translate(str.maketrans(",.", ".,")),
            draw.choice(contracts),
            "ja" if wants else "nein",
            "ja" if agrees else "nein",
        )
        lines.append(";".join(cells[:5] if number in (16, 202, 870) else cells))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
