"""A panel for one part of the experiment: its kind, its fields, and advice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.fields import Option
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.advice_list import AdviceList
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll


def title_at(record: Option, path: str) -> str:
    """The display name of the field at a dotted path: "L2" for kernel_regularizer.l2, else the nearest known title."""
    title = ""
    for name in path.split("."):
        field = type(record).model_fields.get(name)
        title = (field.title if field else None) or title
        inner = getattr(record, name, None)
        if not isinstance(inner, Option):
            break
        record = inner
    return title or path


def problem_marks(problems: Sequence[Problem], fields: Mapping[str, str]) -> dict[str, str]:
    """The worst severity of each field, for the border of its editor. `fields` maps a problem's place to a field."""
    marks: dict[str, str] = {}
    for problem in problems:
        name = fields.get(problem.place, "")
        if name and marks.get(name) != "error":
            marks[name] = "error" if problem.severity == "error" else "hint"
    return marks


class OptionPanel(QWidget):
    """The part of the experiment at `path`. With `kinds` (kind → class) the user can choose another kind.

    `failed` carries a `UserError`, `vary_requested` the path in the experiment of a field to vary.
    """

    failed = Signal(object)
    vary_requested = Signal(str)

    def __init__(
        self,
        document: Document,
        theme: Theme,
        path: str,
        *,
        kinds: Mapping[str, type[Option]] | None = None,
        exclude: Collection[str] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self._path = path
        self._kinds = kinds or {}
        self.setObjectName(f"{path}_panel")
        self.setAccessibleName(path.capitalize())
        self._content = QWidget()
        self.column = QVBoxLayout(self._content)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)
        self.form = OptionForm(theme, exclude=exclude, kinds=self._kinds.values(), kind_help=f"Which {path} to use.")
        self.form.setObjectName(f"{path}_form")
        self.form.edited.connect(self._edit)
        self.form.vary_requested.connect(lambda name: self.vary_requested.emit(f"{path}.{name}"))
        self.advice = AdviceList(document, theme, self._concerns)
        self.advice.failed.connect(self.failed)
        self._make_more()
        self._fill_column()
        self.area = FitScroll(self._content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.area)
        document.experiment_changed.connect(self.refresh)
        document.summary_changed.connect(self.refresh)
        self.refresh()

    @property
    def value(self) -> Option:
        """The part of the experiment shown here."""
        value = edits.get_value(self._document.experiment, self._path)
        assert isinstance(value, Option)
        return value

    def refresh(self, _: object = None) -> None:
        """Show the present document."""
        value = self.value
        self.form.set_value(value)
        self.advice.refresh()
        places = {f"{self._path}.{name}": name for name in type(value).model_fields}
        self.form.set_marks(problem_marks(self.advice.problems, places))

    def _make_more(self) -> None:
        """Create the subclass's own widgets. Called once, before the column is filled."""

    def _fill_column(self) -> None:
        """Arrange the widgets. Panels with additional ones override the order."""
        for part in (self.form, self.advice):
            self.column.addWidget(part)
        self.column.addStretch(1)

    def _concerns(self, problem: Problem) -> bool:
        return problem.place.split(".", 1)[0] == self._path

    def _edit(self, path: str, value: object) -> None:
        if not path and isinstance(value, Option) and type(value) is not type(self.value):
            kind = value.kind  # type: ignore[attr-defined]
            self._set(f"{self._path}.kind", kind, f"Use {value.label}", key=None)
            return
        where = f"{self._path}.{path}" if path else self._path
        title = title_at(self.value, path) if path else self._path
        self._set(where, value, f"Change {title.lower()}", key=where)

    def _set(self, where: str, value: object, text: str, *, key: str | None) -> None:
        try:
            after = edits.set_value(self._document.experiment, where, value)
        except UserError as error:
            self.failed.emit(error)
            self.refresh()
            return
        self._document.push(after, text, key)
