"""The classes of data that is no table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.jobs.proposals import DataProposal
from dnnstudio.gui.data.door.classes_card import ClassesView
from dnnstudio.gui.theme import Theme


@pytest.mark.parametrize(("pictures", "noun"), [(True, "picture"), (False, "row")])
def test_pictures_are_not_called_rows(qtbot: Any, qapp: QApplication, pictures: bool, noun: str) -> None:
    theme = Theme(qapp, "light")
    view = ClassesView(theme)
    qtbot.addWidget(view)
    summary = DataSummary((8, 8), ("a", "b"), False, (8, 2, 3), (4, 4), origin="13 in all.")
    thumbnails = np.zeros((2, 8, 8), np.uint8) if pictures else None
    view.show_proposal(
        DataProposal(path=Path("p"), experiment=None, summary=summary, class_counts=(7, 6), thumbnails=thumbnails)
    )
    assert [view.list.item(row).text() for row in range(2)] == [f"a\n7 {noun}s", f"b\n6 {noun}s"]
    assert any(words.text() == f"Each {noun} is 8 × 8. 13 in all." for words in view.findChildren(QLabel))
    theme.deleteLater()
