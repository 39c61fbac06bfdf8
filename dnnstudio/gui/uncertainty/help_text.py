"""Explains what passes and promises can and cannot say, for users who decide whether to trust a prediction."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import Dialog, label, push_button

SECTIONS = (
    (
        "What is done",
        "Each image passes through the network many times, each time with other units switched off by the dropout "
        "layers. Batch normalization and all else work as when predicting, and no weight changes. Every pass is one "
        "opinion; the mean of them is the prediction.",
    ),
    (
        "What it tells",
        "Where the passes agree, the network's answer does not hang on single units. Where they disagree (mutual "
        "information), the network has not learnt enough about such images. Where each pass by itself is torn between "
        "classes (expected entropy), the image itself is hard to tell.",
    ),
    (
        "What it does not tell",
        "The spread is that of the approximate posterior which this dropout rate stands for, not the truth: another "
        "rate gives another spread. A network can be sure and wrong, above all on images unlike those it learnt from. "
        "Ensembles of several trained networks are usually better calibrated there. So look at Calibration and Shift "
        "before you believe a figure, and choose thresholds on validation rows, never on the test rows.",
    ),
    (
        "Several networks",
        "Networks of the same experiment, trained with several seeds, are an ensemble: each gives one answer with "
        "dropout off, or many with it on, and their mean is the prediction. They start and are shuffled differently, "
        "but learn from the same rows, so they share what these rows have wrong. Few members, below five or so, show "
        "the spread only roughly.",
    ),
    (
        "Without dropout",
        "A network in which nothing is random gives one answer for each row. Its mistakes, its calibration, whom to "
        "ask and what can be promised are judged all the same; only the spread between passes is missing.",
    ),
    (
        "What a promise is",
        "Half of the validation rows sets a threshold so that sets of answers (or intervals of a number) hold the "
        "truth in at least the promised share of cases. This holds for rows that could as well have been among the "
        "calibrating ones, on average over all of them; with a threshold for each class, in every class. It does not "
        "hold for changed rows, which Shift shows, and is a little too good where those rows also chose the epoch.",
    ),
    (
        "Where it comes from",
        "Gal and Ghahramani, Dropout as a Bayesian Approximation, 2016; the scores are those of Houlsby et al., 2011. "
        "On ensembles: Lakshminarayanan et al., 2017; on calibration under shift: Ovadia et al., 2019; on promises: "
        "Vovk et al., 2005, and Angelopoulos and Bates, 2021.",
    ),
)


class HelpDialog(Dialog):
    """A few short paragraphs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("uncertainty_help")
        self.setWindowTitle("About these figures")
        self.setMinimumWidth(580)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(6)
        column.addWidget(label("Many passes, one answer, and a promise", Role.DIALOG_TITLE))
        for title, text in SECTIONS:
            column.addSpacing(6)
            column.addWidget(label(title, Role.LEAD))
            column.addWidget(label(text, Role.BODY, wrap=True))
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("close_help")
        close.clicked.connect(self.accept)
        column.addSpacing(8)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
