"""The selected model: its diagram, its facts, and the origin of its layers' weights."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QGridLayout,
    QHeaderView,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from dnnstudio.core.workspace.catalog import Entry, LayerIdentity
from dnnstudio.gui.dialogs.stack_drawing import StackDrawing
from dnnstudio.gui.library.sentences import KIND_WORDS, facts_of, identity_sentence
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, ElidedLabel, label, rule
from dnnstudio.gui.widgets.charts.copies import copies_table

ROW_HEIGHT = 24
TONES = {"own": "text2", "clone": "accent", "share": "hint"}


class DetailCard(Card):
    """One model, or a message if none or several are selected."""

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, margin=16, parent=parent)
        self.setObjectName("library_detail")
        self._theme = theme
        self.title = label("", Role.DIALOG_TITLE, wrap=True)
        self.title.setObjectName("library_name")
        self.note = label("", Role.SMALL, wrap=True)
        self.note.setObjectName("library_note")
        self._lines: list[tuple[QLabel, ElidedLabel]] = []
        """Title and text of each fact; made once, as making labels takes longer than all the rest."""
        self._facts = QWidget()
        self._grid = QGridLayout(self._facts)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self.drawing = StackDrawing(theme)
        self.drawing.setProperty("role", "clear")
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self.drawing)
        self._rule = rule()
        self.layers = self._make_layers()
        for widget in (self.title, self.note, self._facts):
            self.add(widget)
        self.add(self._area, 3)
        self.add(self._rule)
        self.add(self.layers, 2)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.show_none("Choose a model to see it here.")

    def _make_layers(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setObjectName("library_layers")
        copies_table(tree)
        tree.setAccessibleName("Whose weights the layers have")
        tree.setHeaderLabels(("Layer", "Weights", "Fingerprint"))
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setFrameShape(QFrame.Shape.NoFrame)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        tree.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2):  # "shared, changed" and fingerprints are seen whole; long names give way
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        return tree

    def show_none(self, sentence: str) -> None:
        """No single model is selected."""
        self.title.setText("")
        self.title.hide()
        self.note.setText(sentence)
        self.note.show()
        for widget in (self._facts, self._area, self._rule, self.layers):
            widget.hide()
        self.body.setAlignment(self.note, Qt.AlignmentFlag.AlignTop)

    def show_entry(self, entry: Entry) -> None:
        """Show this model."""
        self.title.setText(entry.name)
        self.note.hide()
        self._fill_facts(facts_of(entry))
        self.drawing.show_experiment(entry.experiment, entry.input_shape)
        self.layers.clear()
        self.layers.addTopLevelItems([self._row(item) for item in entry.layers])
        for widget in (self.title, self._facts, self._area):
            widget.show()
        for widget in (self._rule, self.layers):
            widget.setVisible(bool(entry.layers))

    def set_narrow(self, narrow: bool) -> None:
        """With little space, the layers' fingerprints are only in their tooltips."""
        self.setFixedWidth(300 if narrow else 372)
        self.layers.setColumnHidden(2, narrow)

    def _row(self, item: LayerIdentity) -> QTreeWidgetItem:
        words = KIND_WORDS[item.kind] + (", changed" if item.changed else "")
        row = QTreeWidgetItem((item.layer, words, item.fingerprint or "–"))
        sentence = f"{item.layer}: {identity_sentence(item)}. Fingerprint {item.fingerprint or 'not known'}."
        row.setSizeHint(0, QSize(0, ROW_HEIGHT))
        for place in range(3):
            row.setToolTip(place, sentence)
            row.setData(place, Qt.ItemDataRole.AccessibleTextRole, sentence)
        row.setForeground(1, QBrush(self._theme.color(TONES[item.kind])))
        return row

    def _fill_facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        while len(self._lines) < len(facts):
            value = ElidedLabel("", Role.BODY, mode=Qt.TextElideMode.ElideMiddle)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            line = (label("", Role.FORM), value)
            for column, widget in enumerate(line):
                self._grid.addWidget(widget, len(self._lines), column)
            self._lines.append(line)
        for number, line in enumerate(self._lines):
            for widget, text in zip(line, facts[number] if number < len(facts) else ("", ""), strict=True):
                widget.setText(text)
                widget.setVisible(number < len(facts))
