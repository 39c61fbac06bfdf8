"""What Monte Carlo dropout is and is not, for a person who has to trust or not to trust a prediction."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import label, push_button

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
        "Where it comes from",
        "Gal and Ghahramani, Dropout as a Bayesian Approximation, 2016; the scores are those of Houlsby et al., 2011. "
        "On ensembles: Lakshminarayanan et al., 2017; on calibration under shift: Ovadia et al., 2019.",
    ),
)


class HelpDialog(QDialog):
    """Four short paragraphs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("uncertainty_help")
        self.setWindowTitle("About these figures")
        self.setMinimumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(6)
        column.addWidget(label("Monte Carlo dropout", Role.DIALOG_TITLE))
        for title, text in SECTIONS:
            column.addSpacing(6)
            column.addWidget(label(title, Role.LEAD))
            column.addWidget(label(text, Role.BODY, wrap=True))
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("close_help")
        close.clicked.connect(self.accept)
        column.addSpacing(8)
        column.addWidget(close)
