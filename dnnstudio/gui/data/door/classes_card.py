"""The card of data that is no table: each class with a picture of it and how many rows it has."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QFrame, QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from dnnstudio.core.jobs.proposals import DataProposal
from dnnstudio.core.text import count_of, shortened
from dnnstudio.gui.data.thumbnails import ink
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import label

SIDE = 72
CELL = QSize(128, 132)
SHOWN = 200


class ClassesView(QWidget):
    """A tile a class, drawn anew with the theme."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._proposal: DataProposal | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._words = label("", Role.CAPTION, wrap=True)
        self.list = QListWidget()
        self.list.setObjectName("classes_list")
        self.list.setAccessibleName("Classes, with a picture of each")
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setGridSize(CELL)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setWordWrap(True)
        column.addWidget(self._words)
        column.addWidget(self.list, 1)
        theme.changed.connect(self._draw)

    def show_proposal(self, proposal: DataProposal | None) -> None:
        """Show the classes of other data."""
        self._proposal = proposal
        self._draw()

    def _draw(self) -> None:
        self.list.clear()
        proposal = self._proposal
        if proposal is None or proposal.summary is None:
            self._words.setText("")
            return
        summary = proposal.summary
        shape = " × ".join(f"{side:,}" for side in summary.input_shape)
        self._words.setText(f"Each {proposal.noun} is {shape}. {summary.origin}")
        tokens = self._theme.tokens()
        for place, name in enumerate(summary.class_names[:SHOWN]):
            count = proposal.class_counts[place] if place < len(proposal.class_counts) else 0
            item = QListWidgetItem(f"{shortened(name, 28)}\n{count_of(count, proposal.noun)}")
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            if proposal.thumbnails is not None and place < len(proposal.thumbnails):
                picture = QPixmap.fromImage(ink(proposal.thumbnails[place], tokens.ink_low, tokens.ink_high))
                smooth = Qt.TransformationMode.SmoothTransformation
                item.setIcon(QIcon(picture.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, smooth)))
            self.list.addItem(item)
