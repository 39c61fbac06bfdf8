"""The classes of the data as chips; those switched off are left out of the task."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, DataSummary
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Chip, FlowLayout, push_button

MOST_CHIPS = 200
"""With more classes than this, only their number is shown."""


def toggled(classes: Classes, label: int, count: int) -> Classes:
    """The class filter with one label dropped, or restored at its natural position. Raises `UserError` below two."""
    keep = list(range(count)) if classes.keep is None else list(classes.keep)
    if label in keep:
        keep.remove(label)
    else:
        rising = keep == sorted(keep)
        keep.append(label)
        keep = sorted(keep) if rising else keep
    if len(keep) < 2:
        raise UserError("A task needs at least two classes.", "Switch another class on first.")
    positive = classes.positive if classes.positive in keep else None
    return Classes(keep=None if keep == list(range(count)) else tuple(keep), positive=positive)


def counts_by_label(classes: Classes, summary: DataSummary | None, count: int) -> dict[int, int]:
    """Training rows of each label of the source, if the task's summary contains them."""
    if summary is None or not summary.class_counts:
        return {}
    keep = list(range(count)) if classes.keep is None else list(classes.keep)
    if classes.positive is None:
        return dict(zip(keep, summary.class_counts, strict=False))
    others = [label for label in keep if label != classes.positive]
    found = {classes.positive: summary.class_counts[1]} if len(summary.class_counts) > 1 else {}
    return found | ({others[0]: summary.class_counts[0]} if len(others) == 1 else {})


class ClassChips(QWidget):
    """`classes_chosen` carries the new `Classes`, `two_classes_requested` asks for the dialog."""

    classes_chosen = Signal(object)
    two_classes_requested = Signal()
    failed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._classes = Classes()
        self._chips: list[Chip] = []
        self._flow = FlowLayout(self, spacing=4)
        self.two_classes = push_button(
            "Make it a two-class task…", Role.LINK, tip="Tell two classes apart, or one from all others"
        )
        self.two_classes.setObjectName("two_class_button")
        self.two_classes.clicked.connect(self.two_classes_requested)
        self._flow.addWidget(self.two_classes)

    @property
    def chips(self) -> Sequence[Chip]:
        return self._chips

    def show_classes(self, names: Sequence[str], classes: Classes, summary: DataSummary | None) -> None:
        """Show the source's classes by `names`, which of them are used, and their numbers of rows."""
        names = names if len(names) <= MOST_CHIPS else ()
        self._classes = classes
        if [chip.text() for chip in self._chips] != list(names):
            self._make_chips(names)
        counts = counts_by_label(classes, summary, len(names))
        for label, chip in enumerate(self._chips):
            kept = classes.keep is None or label in classes.keep
            chip.setChecked(kept)
            chip.set_count(f"{counts[label]:,}" if kept and label in counts else "")
            positive = " It is class 1 of the task." if label == classes.positive else ""
            chip.setToolTip(f"{'Press to leave out' if kept else 'Press to keep'} {chip.text()}.{positive}")
        binary = classes.positive is not None
        self.two_classes.setText("Two-class task…" if binary else "Make it a two-class task…")
        self.two_classes.setVisible(len(names) > 2 or binary)  # two classes are such a task already
        self._flow.invalidate()
        self.updateGeometry()

    def _make_chips(self, names: Sequence[str]) -> None:
        while len(self._chips) > len(names):
            chip = self._chips.pop()
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self._flow.removeWidget(self.two_classes)
        for label, name in enumerate(names):
            if label < len(self._chips):
                self._chips[label].setText(name)
            else:
                self._chips.append(self._new_chip(label, name))
        self._flow.addWidget(self.two_classes)

    def _new_chip(self, label: int, name: str) -> Chip:
        chip = Chip(self._theme, name, checkable=True, parent=self)
        chip.setObjectName(f"class_{label}")
        chip.clicked.connect(lambda: self._toggle(label))
        self._flow.addWidget(chip)
        return chip

    def _toggle(self, label: int) -> None:
        try:
            self.classes_chosen.emit(toggled(self._classes, label, len(self._chips)))
        except UserError as error:
            self._chips[label].setChecked(True)
            self.failed.emit(error)
