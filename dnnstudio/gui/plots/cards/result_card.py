"""The final figures of a run: the loss of each part, and how right its answers are, with dropout off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from dnnstudio.core.text import share_text, shortened, with_spread
from dnnstudio.core.uncertainty.figure_names import BALANCED, BASELINE, R2, RECALL, RMSE
from dnnstudio.core.workspace.figures import Measured
from dnnstudio.core.workspace.runs import best_apart, model_file
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, ElidedLabel, MiniButton, label, rule

PARTS = (
    ("train", "Train", "The training rows, measured again with dropout off."),
    ("validation", "Validation", "The rows that judged the network while it trained."),
    ("test", "Test", "Rows that training never saw."),
)
Words = Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A column: its name in metrics.json, its title, how a value is written, and what it is."""

    name: str
    title: str
    words: Words
    help: str = ""


LOSS = Figure("loss", "Loss", figure, "What training makes small.")
OF_CLASSES = (
    Figure("accuracy", "Accuracy", share_text, "The share of rows that the network gets right."),
    Figure(BALANCED, "Balanced", share_text, "The mean share of right answers over the classes: each counts alike."),
)
OF_NUMBERS = (
    Figure("mae", "MAE", figure, "Mean absolute error, in the target's own unit."),
    Figure(RMSE, "RMSE", figure, "Root of the mean squared error, in the target's own unit."),
    Figure(R2, "R²", figure, "Explained share of the target's variance: 1 is perfect, 0 no better than its mean."),
)
FIGURES = (LOSS, *OF_CLASSES, *OF_NUMBERS)
LEFT_OUT = (RMSE, "loss", BALANCED)
"""Where there is no room for all figures, these go first; the name of their row then tells them."""
GAPS = (16, 10, 6)
"""Between the columns, the first with which all have room."""
ROW_GAPS = (6, 4, 2, 1)
"""The same between the rows."""
MARGIN, GAP = 12, 8
"""Beside the lines of the card, and between them."""
WAITING = "Measured after the last epoch, with dropout off."


def _note(best_epoch: int, measured: Measured | None) -> str:
    """Which weights the figures are of: "last epoch 10, best epoch 7", "9 steps into epoch 11, best epoch 7".

    What matters first: a narrow card cuts the rest, and tells it in the tooltip.
    """
    if measured is None or not measured.moment:
        return f"best epoch {best_epoch}" if best_epoch else ""
    if measured.outdated:
        return "older than the weights"  # changed by which run is in the tooltip
    if measured.is_best:
        return f"best epoch {measured.epoch}"
    which = measured.moment if measured.steps else f"last epoch {measured.epoch}"
    return which + (f", best epoch {best_epoch}" if best_epoch else "")


class ResultCard(Card):
    """Three rows of figures of the last weights, and below them those of the best epoch where that is another one.

    `best_requested(Path)` when that run's best weights shall be used.
    """

    best_requested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Result", parent=parent)
        self.setObjectName("result_card")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.note = ElidedLabel("", Role.CAPTION)
        self.head.add(self.note)
        self.head.keep_title()
        self._empty = label(WAITING, Role.CAPTION, wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._table = QWidget()
        self._grid = grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(0)  # the columns keep apart by margins: those that are hidden would take a space each
        grid.setColumnStretch(0, 1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self._heads: dict[str, QWidget] = {}
        for column, each in enumerate(FIGURES, start=1):
            self._heads[each.name] = head = label(each.title, Role.CAPTION)
            head.setToolTip(each.help)
            grid.addWidget(head, 0, column, right)
        self._cells: dict[tuple[str, str], Any] = {}
        self._names: dict[str, QLabel] = {}
        self._shown: set[str] = set()
        for row, (part, words, help) in enumerate(PARTS):
            grid.addWidget(rule(), 2 * row + 1, 0, 1, len(FIGURES) + 1)
            name_label = label(words, Role.SMALL)
            name_label.setToolTip(help)
            self._names[part] = name_label
            grid.addWidget(name_label, 2 * row + 2, 0)
            for column, each in enumerate(FIGURES, start=1):
                cell = label("–", Role.NUMBER)
                cell.setObjectName(f"result_{part}_{each.name}")
                cell.setAccessibleName(f"{words}, {each.title.lower()}")
                grid.addWidget(cell, 2 * row + 2, column, right)
                self._cells[part, each.name] = cell
        grid.setRowStretch(2 * len(PARTS) + 1, 1)
        self.add(self._empty, 1)
        self.add(self._table, 1)
        self._folder: Path | None = None
        self.classes = ElidedLabel("", Role.CAPTION)
        self.classes.setObjectName("class_figures")
        self.least = ElidedLabel("", Role.CAPTION)
        self.least.setObjectName("least_found")
        self.add(self.classes)
        self.add(self.least)
        self.best = ElidedLabel("", Role.CAPTION)
        self.best.setObjectName("best_figures")
        self.use_best = QPushButton("")
        self.use_best.setObjectName("use_best_weights")
        self.use_best.setToolTip("Open the network of that epoch: Save model, Predict and the charts then use it.")
        self.use_best.clicked.connect(self._ask_for_best)
        self.best_icon = MiniButton(theme, "star", "")
        self.best_icon.setObjectName("use_best_icon")
        self.best_icon.clicked.connect(self._ask_for_best)
        self.head.add(self.best_icon)
        self.add(self.best)
        self.add(self.use_best)
        self.clear()

    def clear(self, text: str = WAITING) -> None:
        """No figures yet."""
        self.note.setText("")
        self._empty.setText(text)
        self._empty.show()
        for part in (self._table, self.classes, self.least, self.best, self.use_best, self.best_icon):
            part.hide()

    def show_metrics(
        self,
        metrics: Mapping[str, Any],
        *,
        best_epoch: int = 0,
        measured: Measured | None = None,
        folder: Path | None = None,
        loss: str = "",
        best: str = "",
    ) -> None:
        """Show what metrics.json of the run in `folder` holds, and of which weights; what is missing is a dash.

        `loss` names what the loss is made of: "cross-entropy + L2"; `best` says by what the best epoch is chosen.
        """
        self._heads["loss"].setToolTip(f"{loss[:1].upper()}{loss[1:]}. {LOSS.help}" if loss else LOSS.help)
        if not any(isinstance(metrics.get(part), dict) for part, _, _ in PARTS):
            self.clear("The run ended before its figures were measured.")
            return
        parts = {part: found for part, _, _ in PARTS if isinstance(found := metrics.get(part), dict)}
        measured_names = {name for found in parts.values() for name in found}
        shown = {each.name for each in FIGURES if each.name in measured_names or each.name == "loss"}
        if not measured_names.isdisjoint(each.name for each in OF_NUMBERS):
            shown.discard("accuracy")
        if isinstance(metrics.get("seeds"), list):  # a spread takes the room of two figures
            shown = {"loss", *[each.name for each in FIGURES[1:] if each.name in shown][:1]}
        self._shown = shown
        for part, _, _ in PARTS:
            for each in FIGURES:
                cell = self._cells[part, each.name]
                cell.setText(_value(parts.get(part, {}).get(each.name), each.words))
        seeds = metrics.get("seeds")
        found = {} if isinstance(seeds, list) else parts.get("test") or parts.get("validation") or {}
        said, hint = class_words(found)
        for line, text in zip((self.classes, self.least), (*said, "", "")[:2], strict=True):
            line.setText(text)
            line.set_hint(hint)
        over_seeds = f"mean ± sd, n = {len(seeds)}" if isinstance(seeds, list) else ""
        self.note.setText(over_seeds or _note(best_epoch, measured))
        said_of = measured.sentence if measured is not None else ""
        self.note.setToolTip("\n".join(part for part in (said_of, best if best_epoch else "") if part))
        self._empty.hide()
        self._table.show()
        self._show_best(metrics, folder, best)
        self._fit()

    def _show_best(self, metrics: Mapping[str, Any], folder: Path | None, chosen: str) -> None:
        if isinstance(together := metrics.get("ensemble"), dict):
            test = together.get("test")
            of_all = test if isinstance(test, dict) else {}
            self.best.setText(f"Mean answer of all, test: {_named(of_all, most=2)}" if of_all else "")
            self.best.set_hint(f"The answers of all networks averaged, on the test rows: {_named(of_all)}")
            self._folder = None
            return
        epoch = None if folder is None else best_apart(folder, metrics)
        self._folder = None if epoch is None else folder
        figures = metrics.get("best")
        measured = figures if isinstance(figures, dict) else {}
        short = {"train": "train", "validation": "val.", "test": "test"}  # the figures are to be seen whole
        found = [(part, title, measured[part]) for part, title, _ in PARTS if measured.get(part)]
        said = [f"{short[part]} {_figures(figures, most=2)}" for part, _, figures in found]
        self.best.setText(f"Best, epoch {epoch}: {'; '.join(said)}" if said and epoch is not None else "")
        lines = [f"{title}: {_named(figures)}" for _, title, figures in found]
        self.best.set_hint("\n".join((*lines, *([chosen] if chosen and lines else ()))))
        self.use_best.setText(f"Use the best weights (epoch {epoch})")
        self.best_icon.set_tip(f"{self.use_best.text()}. {self.best.text()}".strip())

    def _fit(self) -> None:
        """Show the figures and lines whole for which there is room; the tooltips of the rows tell the others."""
        if self._table.isHidden():
            return
        inside = self.contentsRect()
        out = self._fit_columns(inside.width() - 2 * MARGIN)
        room = inside.height() - 2 * MARGIN - self.head.height() - GAP
        for gap in ROW_GAPS:
            self._grid.setVerticalSpacing(gap)
            self._grid.invalidate()
            if self._grid.minimumSize().height() <= room:
                break
        told = self._fit_lines(room)
        for part, _, help in PARTS:
            figures = [f"{each.title} {self.text(part, each.name)}" for each in FIGURES if each.name in out]
            self._names[part].setToolTip("\n".join((help, *figures, *told)))

    def _fit_columns(self, room: int) -> set[str]:
        """Show the figures that find room in so many pixels, and give the names of the others."""
        kept = set(self._shown)
        for gap, name in (*((gap, "") for gap in GAPS), *((GAPS[-1], name) for name in LEFT_OUT)):
            kept.discard(name)
            for each in FIGURES:
                for cell in (self._heads[each.name], *(self._cells[part, each.name] for part, _, _ in PARTS)):
                    cell.setContentsMargins(gap, 0, 0, 0)
                    cell.setVisible(each.name in kept)
            self._grid.invalidate()
            if self._grid.minimumSize().width() <= room:
                break
        return self._shown - kept

    def _fit_lines(self, room: int) -> list[str]:
        """Show the lines below the table that find room beside it in so many pixels, and give the texts of others."""
        apart, told = self._folder is not None, []
        room -= self._grid.minimumSize().height()
        for line in (self.use_best, self.best, self.classes, self.least):
            wanted = bool(line.text()) and (apart or line is not self.use_best)
            needed = line.sizeHint().height() + GAP
            too_long = line is self.use_best and line.sizeHint().width() > self.width() - 2 * MARGIN
            fits = wanted and needed <= room and not too_long
            line.setVisible(fits)
            if fits:
                room -= needed
            elif wanted:
                told.append(line.text())
        self.best_icon.setVisible(apart and self.use_best.isHidden())
        return told

    def _ask_for_best(self) -> None:
        if self._folder is not None:
            self.best_requested.emit(model_file(self._folder, "best"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def text(self, part: str, name: str) -> str:
        """The displayed text of a figure: `text("test", "accuracy")`."""
        return str(self._cells[part, name].text())


def _value(value: Any, words: Words) -> str:
    """A figure, or mean and standard deviation over the seeds of a repeat: "91.3 ± 0.2 %"."""
    if isinstance(value, Mapping):
        mean, std = value.get("mean"), value.get("std")
        text = words(float(mean) if isinstance(mean, int | float) else None)
        if not isinstance(std, int | float):
            return text
        return with_spread(text, words(float(std)))
    return words(float(value) if isinstance(value, int | float) else None)


def class_words(found: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """What the accuracy of a part is worth, in lines, and for the tooltip the recall of every class; none without them.

    "Always the most frequent class: 71.0 % right", "Least found: cat, 40.0 %".
    """
    baseline = found.get(BASELINE)
    if baseline is None:
        return (), ""
    recalls = {name.removeprefix(RECALL): value for name, value in found.items() if name.startswith(RECALL)}
    said = [f"Always the most frequent class: {share_text(baseline)} right"]
    if recalls:
        least = min(recalls, key=lambda name: recalls[name])
        said.append(f"Least found: {least}, {share_text(recalls[least])}")
    lines = [f"{shortened(name, 40)}: {share_text(value)} found" for name, value in list(recalls.items())[:30]]
    return tuple(said), "\n".join(lines)


def _figures(found: Mapping[str, Any], *, most: int = len(FIGURES)) -> str:
    """Loss and accuracy of a part, as many as there are, and at `most` so many: "0.31, 89 %"."""
    return ", ".join([each.words(float(found[each.name])) for each in FIGURES if each.name in found][:most])


def _named(found: Mapping[str, Any], *, most: int = len(FIGURES)) -> str:
    """The figures of a part with their names, and at `most` so many: "Loss 0.31, Accuracy 89 %, Balanced 88 %"."""
    known = [each for each in FIGURES if each.name in found][:most]
    return ", ".join(f"{each.title} {each.words(float(found[each.name]))}" for each in known)
