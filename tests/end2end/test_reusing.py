"""The chapter's walk in the real window with the real engine, on digits: library, pretraining, comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme

PATIENCE_MS = 120_000
EXPERIMENT = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=32, activation="elu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=2, batch_size=64),
)


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    theme = Theme(qapp, "light")
    theme.apply()
    settings = Settings(tmp_path / "settings")
    settings.workspace = tmp_path / "workspace"
    document, engine = Document(EXPERIMENT), Engine()
    made = MainWindow(document, engine, theme, settings, dialogs=Dialogs(theme, settings))
    made.show()
    engine.start()
    qtbot.waitUntil(lambda: engine.state.phase == "ready", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: document.summary is not None and document.summary.counts is not None, timeout=PATIENCE_MS)
    yield made
    made.close_without_asking()
    assert made.engine_ended
    made.deleteLater()
    engine.deleteLater()
    theme.deleteLater()
    vars(made).clear()
    del made
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def train(qtbot: Any, window: MainWindow) -> Path:
    window.workbench.transfer.train()
    with qtbot.waitSignal(window.workbench.controller.run_ended, timeout=PATIENCE_MS):
        pass
    folder = window.workbench.controller.run_folder
    assert folder is not None
    return folder


def test_pretrain_look_reuse_and_compare(qtbot: Any, window: MainWindow) -> None:
    document, library = window.document, window.workbench.library
    document.push(EXPERIMENT.replaced(pretraining=Autoencoder(until="h1")), "Pretrain")
    run = train(qtbot, window)

    # The drawings are of the rows, and better than a blank page.
    window.messages.bar.action_requested.emit()
    (looking,) = library.pretraining.windows
    qtbot.waitUntil(lambda: not looking.client.busy, timeout=PATIENCE_MS)
    result = looking.pairs.result
    assert result is not None and result.pictures and len(result.errors) == looking.pairs.page
    blank = np.square(result.originals.astype(np.float64) / 255).mean()
    assert 0 < float(result.errors.mean()) < blank

    # The classifier starts from the encoder.
    looking.use.click()
    looking.close()
    made = document.experiment
    assert made.transfer is not None and made.layers == EXPERIMENT.layers
    phases = tuple(phase.replaced(epochs=1) for phase in made.transfer.phases)
    document.push(made.replaced(transfer=made.transfer.replaced(phases=phases)), "Shorter phases")
    classifier = train(qtbot, window)

    # The library knows both and whose layers they have, and puts them side by side.
    window.actions_["library"].trigger()
    assert library.dialog is not None
    qtbot.waitUntil(lambda: not library.listing.busy, timeout=PATIENCE_MS)
    entries = {entry.path: entry for entry in library.dialog.entries.entries}
    assert set(entries) == {run, classifier}
    kinds = {item.layer: (item.kind, item.origin, item.changed) for item in entries[classifier].layers}
    assert kinds == {"h1": ("clone", "Digits", True), "output": ("own", "", False)}
    library.compare(entries[run], entries[run])
    (compared,) = library.comparisons
    qtbot.waitUntil(lambda: compared.layers.topLevelItemCount() > 0, timeout=PATIENCE_MS)
    assert compared.headline.text() == "All weights are equal, number for number."
    library.dialog.close()

    # From scratch against transferred, over two seeds.
    window.actions_["compare_transfer"].trigger()
    (comparing,) = library.transfers.windows
    comparing.seeds.set_value(2)
    comparing.start.click()
    qtbot.waitUntil(lambda: not comparing.training.busy, timeout=PATIENCE_MS)
    assert "with two seeds, which prove nothing" in comparing.headline.text()
    assert [(item.seed, item.start) for item in comparing.runs] == [
        (seed, start) for seed in (42, 43) for start in ("scratch", "transfer")
    ]
    points = comparing.curves.plot.points("transfer")
    assert points is not None and list(points[0]) == [1, 2]
    comparing.close()
