"""What reading the data gave reaches the document first, and the panel where it is still the data that is open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.data import Data, DataSummary, FashionMNIST, known_summary
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.requests import DescribeData
from dnnstudio.core.jobs.results import DataPreview
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.data.panel import DataPanel
from dnnstudio.gui.shell.data_actions import DataActions
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import AdviceCard

from ..fake_engine import FakeEngine

OTHER = DataSummary((8, 8), tuple("0123456789"), False, (1, 2, 3), (0,) * 10)
PICTURES = np.zeros((10, 8, 8), np.uint8)


class Desk:
    """The document, its panel, and an engine that is not started: the tests answer in its place."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self.theme = Theme(app, "light")
        self.document = Document(load_recipe("digits").experiment)
        self.engine = FakeEngine(parent=self.document)
        self.controller = RunController(self.engine, folder, self.document)
        self.panel = DataPanel(self.document, self.theme)
        self.actions = DataActions(self.document, self.controller, self.panel, self.document)

    @property
    def news(self) -> AdviceCard:
        found = self.panel.findChild(AdviceCard, "data_news")
        assert isinstance(found, AdviceCard)
        return found


@pytest.fixture
def desk(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(qapp, tmp_path)
    qtbot.addWidget(made.panel)
    made.panel.resize(344, 420)
    with qtbot.waitExposed(made.panel):
        made.panel.show()
    yield made
    made.engine.shutdown()
    made.document.deleteLater()
    made.theme.deleteLater()


def test_what_was_read_is_the_document_s_and_shown(desk: Desk) -> None:
    desk.panel.request_preview()
    desk.engine.tickets[-1].finish(DataPreview(summary=OTHER, thumbnails=PICTURES))
    assert desk.document.summary == OTHER
    assert desk.panel.thumbnails.isVisible()


def test_a_late_preview_of_other_data_is_kept_for_later(desk: Desk) -> None:
    before, known = desk.document.experiment, desk.document.summary
    late = before.data.replaced(scaling="none")
    desk.controller.describe(late, before.seed)
    desk.engine.tickets[-1].finish(DataPreview(summary=OTHER, thumbnails=PICTURES))
    assert desk.document.summary == known == known_summary(before.data)
    assert not desk.panel.thumbnails.isVisible()
    desk.document.push(before.replaced(data=late), "Change scaling")
    assert desk.document.summary == OTHER


def test_a_newer_wish_makes_the_one_before_unheard(desk: Desk) -> None:
    desk.panel.request_preview()
    desk.panel.request_preview()
    first, second = desk.engine.tickets
    assert first.control.stopped and not second.control.stopped
    first.finish(DataPreview(summary=OTHER))
    assert desk.document.summary != OTHER


def test_data_that_is_not_there_offers_the_download_once(desk: Desk) -> None:
    fashion = desk.document.experiment.replaced(data=Data(source=FashionMNIST()))
    desk.document.push(fashion, "Use Fashion-MNIST")
    desk.panel.request_preview()
    failure = Failure("person", "Fashion-MNIST is not on this computer.", "Download it.")
    desk.engine.tickets[-1].fail(failure)
    assert desk.news.isVisible() and desk.news.fix_button.isVisible()
    desk.news.fix_button.click()
    job = desk.engine.tickets[-1].job
    assert isinstance(job, DescribeData) and job.download
    desk.engine.tickets[-1].fail(failure)
    assert desk.news.isVisible() and not desk.news.fix_button.isVisible()
