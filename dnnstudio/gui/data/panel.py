"""The card of data: source, classes, split, scaling, and a picture of each class."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import SOURCE_KINDS, Classes, Data, DataSummary, FirstRows, Fraction, Source
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.loss_choice import task_of
from dnnstudio.core.planning.opening import Opening, opened
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.data.class_chips import ClassChips
from dnnstudio.gui.data.own_data import OwnDataSummary
from dnnstudio.gui.data.thumbnails import Thumbnails
from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.theme import Role, Severity, Theme, set_role
from dnnstudio.gui.widgets import (
    AdviceCard,
    Card,
    Choice,
    ComboBox,
    ElidedLabel,
    MiniButton,
    Segmented,
    Share,
    ShareBar,
    label,
    push_button,
)
from dnnstudio.gui.widgets.advice_list import AdviceList
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

if TYPE_CHECKING:
    from dnnstudio.core.jobs.results import DataPreview

ASK_DELAY_MS = 200
"""Quick changes are read as one, once they have come to rest."""
DETAILS = ("validation", "test_share", "train_limit", "augmentation")
OF_NUMBERS = ("target_scaling",)
"""More details where a number is predicted."""
SCALINGS = (
    Choice("none", "None", "The numbers as they are stored."),
    Choice("unit", "0…1", "Brought to between 0 and 1."),
    Choice("standardize", "Standardize", "Each input by the training rows' mean and spread: mean 0, spread 1."),
)
CHIPS_LIMIT = 140
NARROW_BELOW = 300
"""A card narrower than this says in one line what the chips say."""


class DataPanel(Card):
    """The data of `document`.

    `preview_requested` asks for the data to be read (the answer goes to `show_preview` or `set_failure`),
    `download_requested` for the same with leave to use the network, `open_requested` for other data of a person's
    own, `door_requested` for the window of the present ones, `augmentation_requested` for that of augmentation.
    `failed` carries a `UserError`. A table is shown by a summary: its columns are that window's matter.
    """

    preview_requested = Signal()
    download_requested = Signal()
    open_requested = Signal()
    door_requested = Signal()
    augmentation_requested = Signal()
    vary_requested = Signal(str)
    failed = Signal(object)

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Data", icon="database", parent=parent)
        self.setObjectName("data_panel")
        self._document = document
        self._theme = theme
        self._shown: object = None
        self._asked: tuple[Data, int] | None = None
        self._pictured: Source | None = None
        """The source whose pictures are shown."""
        self._timer = QTimer(self, singleShot=True, interval=ASK_DELAY_MS)
        self._timer.timeout.connect(self._ask)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._make_head()
        self._make_body()
        document.experiment_changed.connect(self._refresh)
        document.summary_changed.connect(self._refresh)
        self._refresh()

    # ------------------------------------------------------------------------------------------------ answers

    def request_preview(self) -> None:
        """Ask for the present data to be read, at once."""
        self._timer.stop()
        self._ask()

    def show_preview(self, preview: DataPreview) -> None:
        """Show what reading the present data gave; the document has its summary already."""
        self.news.hide()
        self.thumbnails.set_pictures(preview.thumbnails, preview.summary.class_names)
        self._pictured = self._document.experiment.data.source
        self._show_again()

    def set_failure(self, error: UserError, *, can_download: bool = False) -> None:
        """Say why the data could not be read, and offer the download where that would help."""
        self._show_news(error.message, error.hint, "Download" if can_download else "", "hint" if can_download else
                        "error")  # fmt: skip

    def set_busy(self, text: str) -> None:
        """Say what is being done: "Downloading, 12 of 29 MB"; an empty text takes it away."""
        if text:
            self._show_news(text, "", "", "news")
        else:
            self.news.hide()

    def _show_news(self, title: str, reason: str, fix: str, severity: Severity) -> None:
        self.news.set_advice(title, reason, fix=fix, severity=severity)
        self.news.show()

    def _ask(self) -> None:
        experiment = self._document.experiment
        present = (experiment.data, experiment.seed)
        self._asked = present
        if not _is_complete(experiment.data.source):
            self.thumbnails.set_pictures(None, ())
            self.news.hide()
            return
        self.preview_requested.emit()

    # ------------------------------------------------------------------------------------------------- making

    def _make_head(self) -> None:
        self.source = ComboBox([Choice(kind, cls.label, cls.help) for kind, cls in SOURCE_KINDS.items()])
        self.source.setObjectName("data_source")
        self.source.setAccessibleName("Source of the data")
        set_role(self.source, Role.FLAT)
        self.source.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.source.setFixedWidth(132)
        self.source.chosen.connect(self._choose_source)
        self.door_button = MiniButton(self._theme, "folder-open", "Open your data: a table or a folder of pictures")
        self.door_button.setObjectName("data_door_button")
        self.door_button.clicked.connect(self._on_open)
        self.head.add(self.door_button)
        self.details_button = MiniButton(
            self._theme, "sliders-horizontal", "Validation, number of training rows and all other choices"
        )
        self.details_button.setObjectName("data_details")
        self.details_button.setCheckable(True)
        self.details_button.toggled.connect(lambda: self._arrange())
        self.head.add(self.details_button)
        self.head.add(self.source)

    def _make_body(self) -> None:
        theme = self._theme
        self.line = ElidedLabel("", Role.CAPTION)
        self.line.setObjectName("data_line")
        self.news = AdviceCard(theme, "")
        self.news.setObjectName("data_news")
        self.news.fix_requested.connect(self.download_requested)
        self.news.hide()
        self.own = OwnDataSummary(theme)
        self.own.columns_requested.connect(self.door_requested)
        self.source_form = OptionForm(theme)
        self.source_form.setObjectName("source_form")
        self.source_form.edited.connect(lambda path, value: self._set(f"source.{path}", value, "Change the source"))
        self.source_form.vary_requested.connect(lambda path: self.vary_requested.emit(f"data.source.{path}"))
        self.chips = ClassChips(theme)
        self.chips.classes_chosen.connect(self._choose_classes)
        self.chips.two_classes_requested.connect(self.ask_two_classes)
        self.chips.failed.connect(self.failed)
        self.chip_area = FitScroll(self.chips, limit=CHIPS_LIMIT, smallest=22)
        self.bar = ShareBar(theme)
        self.bar.setObjectName("split_bar")
        self.scaling = Segmented(theme, SCALINGS)
        self.scaling.setObjectName("scaling")
        self.scaling.setAccessibleName("Scaling")
        self.scaling.chosen.connect(lambda value: self._set("scaling", value, "Change scaling"))
        self._scaling_row = QWidget()
        self._scaling_row.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self._scaling_row)
        row.setContentsMargins(0, 0, 0, 0)
        caption = label("Scaling", Role.FORM)
        caption.setToolTip(Data.model_fields["scaling"].description or "")
        row.addWidget(caption)
        row.addStretch(1)
        row.addWidget(self.scaling)
        self.details = OptionForm(theme, only=DETAILS)
        self.details.setObjectName("data_details_form")
        self.details.edited.connect(self._edit_details)
        look = push_button("See…", Role.LINK, tip="Set it by sliders, and see what it does to a training picture")
        look.setObjectName("see_augmentation")
        look.clicked.connect(self.augmentation_requested)
        self.details.add_beside("augmentation", look)
        self.number_details = OptionForm(theme, only=OF_NUMBERS)
        self.number_details.setObjectName("data_number_form")
        self.number_details.set_more_open(True)
        self.number_details.edited.connect(self._edit_details)
        for form in (self.details, self.number_details):
            form.vary_requested.connect(lambda path: self.vary_requested.emit(f"data.{path}"))
        self.thumbnails = Thumbnails(theme)
        self.advice = AdviceList(self._document, theme, _concerns_data, foldable=True)
        self.advice.failed.connect(self.failed)
        for part in (self.line, self.news, self.own, self.source_form, self.chip_area, self.bar, self._scaling_row,
                     self.details, self.number_details, self.thumbnails, self.advice):  # fmt: skip
            self.add(part)
        self.body.addStretch(1)

    # ------------------------------------------------------------------------------------------------ showing

    def _show_again(self) -> None:
        """Show the document's data, also where a person has just put something else into a field."""
        self._shown = None
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        experiment, summary = self._document.experiment, self._document.summary
        data = experiment.data
        now = (data, experiment.seed, summary, self._document.source_class_names)
        if now == self._shown:  # most edits are of layers
            self.advice.refresh()
            return
        self._shown = now
        self.source.set_value(data.source.kind)
        if data.source != self._pictured:
            self.thumbnails.set_pictures(None, ())
        self.source_form.set_value(data.source)
        self.own.show_data(data.source, summary)
        self.chips.show_classes(self._document.source_class_names, data.classes, summary)
        self.line.setText(summary_line(summary))
        self.line.set_hint(summary.origin if summary else "")
        self.bar.set_shares(_shares(summary))
        self.scaling.set_value(data.scaling)
        self.details.set_value(data)
        self.number_details.set_value(data)
        self.advice.refresh()
        self._arrange()
        if (data, experiment.seed) != self._asked:
            self._timer.start()

    def _arrange(self) -> None:
        """Show what there is room for: narrow panels say it in one line until the details are asked for."""
        narrow, details = self.width() < NARROW_BELOW, self.details_button.isChecked()
        summary = self._document.summary
        self.line.setVisible(narrow and not details)
        self.door_button.setVisible(not narrow)  # the menu of Open has it too
        has_options = len(type(self._document.experiment.data.source).model_fields) > 1
        own = self.own.shows_anything
        self.own.setVisible(own)
        needed = details or (not own and (not narrow or summary is None))
        self.source_form.setVisible(has_options and needed)
        self.chip_area.setVisible((not narrow or details) and bool(self.chips.chips))
        self.bar.setVisible((not narrow or details) and bool(summary and summary.counts))
        self._scaling_row.setVisible(not narrow or details)
        self.details.setVisible(details)
        number = task_of(self._document.experiment.data, summary) == "number"
        self.number_details.setVisible(details and number)
        self.chip_area.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    # ----------------------------------------------------------------------------------------------- changing

    def _on_open(self) -> None:
        """As the menu of Open does. Where **Columns…** is not there, the button is the way to the present data too."""
        (self.open_requested if self.own.has_columns else self.door_requested).emit()

    def _choose_source(self, kind: object) -> None:
        data = self._document.experiment.data
        if kind == data.source.kind:
            return
        source: Any = SOURCE_KINDS[str(kind)].new()
        validation = data.validation
        if isinstance(validation, FirstRows) and source.rows is not None and validation.count >= source.rows[0] // 2:
            validation = Fraction(fraction=0.2)
        changed = data.replaced(source=source, classes=Classes(), validation=validation)
        before = self._document.experiment
        self._document.push(opened(before, Experiment(data=changed), Opening.DATA), f"Use {source.label}")

    def _choose_classes(self, classes: object) -> None:
        self._set("classes", classes, "Change classes")

    def ask_two_classes(self) -> None:
        """Ask which two classes to tell apart."""
        from dnnstudio.gui.data.two_classes import TwoClassDialog

        classes = self._document.experiment.data.classes
        chosen = TwoClassDialog.ask(self._theme, self._document.source_class_names, classes, self.window())
        if chosen is not None:
            binary = chosen.positive is not None
            self._set("classes", chosen, "Make it a two-class task" if binary else "Tell all classes apart")

    def _edit_details(self, path: str, value: object) -> None:
        title = Data.model_fields[path.split(".", 1)[0]].title or path
        self._set(path, value, f"Change {title.lower()}")

    def _set(self, path: str, value: object, text: str) -> None:
        try:
            after = edits.set_value(self._document.experiment, f"data.{path}", value)
        except UserError as error:
            self.failed.emit(error)
            self._show_again()
            return
        self._document.push(after, text, f"data.{path}")


def summary_line(summary: DataSummary | None) -> str:
    """10 classes · 55,000 train · 5,000 val."""
    if summary is None:
        return "Not read yet"
    words = [count_of(summary.classes, "class") if summary.classes else "predicts a number"]
    if summary.counts:
        words += [f"{summary.counts[0]:,} train", f"{summary.counts[1]:,} val."]
    return " · ".join(words)


def _shares(summary: DataSummary | None) -> tuple[Share, ...]:
    if summary is None or summary.counts is None:
        return ()
    names, colors = ("train", "validation", "test"), ("train", "validation", "text3")
    return tuple(
        Share(count, color, f"{name} {count:,}")
        for name, color, count in zip(names, colors, summary.counts, strict=True)
    )


def _concerns_data(problem: Problem) -> bool:
    return problem.place.split(".", 1)[0] == "data"


def _is_complete(source: Source) -> bool:
    """Whether every file that the source needs has been named."""
    return all(getattr(source, name) for name, field in type(source).model_fields.items() if field.is_required())


if __name__ == "__main__":
    from dnnstudio.gui.widgets.alone import show_alone

    sys.exit(show_alone(DataPanel, 344))
