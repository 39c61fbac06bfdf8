"""The form: editors generated from the fields of a record, for one record or several at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from pydantic import ValidationError
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.experiment.fields import Option
from dnnstudio.gui.forms.editors import is_busy
from dnnstudio.gui.forms.nested import NestedEditor
from dnnstudio.gui.forms.paths import name_of, parent_of, replaced_at, value_at
from dnnstudio.gui.forms.plan import KIND, PlannedRow, kind_row, plan
from dnnstudio.gui.forms.row import FormRow
from dnnstudio.gui.forms.spec import FieldSpec, spec_at
from dnnstudio.gui.forms.text import is_about_the_whole, refusal
from dnnstudio.gui.theme import Role, Theme, set_role

NARROWEST_LABEL = 76


class OptionForm(QWidget):
    """Editors for the fields of a record.

    The form is stateless: `edited(path, value)` requests an edit, and `set_value` shows its result. A path is a field's
    name, `outer.inner` for a field of a nested record, or "" if the whole record is replaced (another kind, or two
    fields that only fit together). The value of a nested field may be a whole nested record, or None. Invalid edits are
    refused below the field and not emitted.
    """

    edited = Signal(str, object)
    vary_requested = Signal(str)
    """The path of a field whose values are to be varied."""

    def __init__(
        self,
        theme: Theme,
        value: Option | Sequence[Option] | type[Option] | None = None,
        *,
        only: Collection[str] = (),
        exclude: Collection[str] = (),
        kinds: Iterable[type[Option]] = (),
        kind_title: str = "Kind",
        kind_help: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._only, self._exclude = only, exclude
        self._kind_row = kind_row(tuple(kinds), title=kind_title, help=kind_help)
        self._records: tuple[Option, ...] = ()
        self._planned: dict[str, PlannedRow] = {}
        self._rows: dict[str, FormRow] = {}
        """The rows that were made: those under the fold only once it was opened."""
        self._drafts: dict[str, dict[str, object]] = {}
        """Values that a record refuses only because of another of its fields, until that one fits."""
        self._telling = False
        """Whether what is shown just now is the answer to an edit made here: text being written elsewhere is kept."""
        self._notes: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._beside: dict[str, QWidget] = {}
        self._label_width = NARROWEST_LABEL
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._main = _column()
        self._folded = QWidget()
        self._more = _column(self._folded)
        self.more_button = self._make_more_button()
        column.addLayout(self._main)
        column.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._folded)
        column.addStretch(1)
        self.set_more_open(False)
        if value is not None:
            self.set_value(value.new() if isinstance(value, type) else value)

    # ------------------------------------------------------------------------------------ what is shown

    def set_value(self, value: Option | Sequence[Option]) -> None:
        """Show a record, or the common values of several (differing ones as mixed)."""
        records = (value,) if isinstance(value, Option) else tuple(value)
        changed = records != self._records
        keep = self._telling or not changed
        self._records = records
        if changed:
            self._plan_rows()
            self._fit_rows()
        if not keep:
            self._drafts.clear()
        for path, row in self._rows.items():
            if not (keep and is_busy(row.editor)):
                row.editor.show_values(self._values(path))
        self._show_more_count()

    def value(self) -> tuple[Option, ...]:
        """The displayed records."""
        return self._records

    def paths(self) -> tuple[str, ...]:
        """Every path that can be edited now: the rows in order, including inline numbers."""
        found: list[str] = []
        for path, planned in self._planned.items():
            found += [path, *(f"{path}.{child.name}" for child in planned.inline)]
        return tuple(found)

    def row(self, path: str) -> FormRow:
        """The row of a path. Raises `KeyError`."""
        own = path if path in self._planned else parent_of(path)
        if own in self._planned and own not in self._rows:
            self._make_folded_rows()
        return self._rows[own]

    def set_note(self, path: str, text: str) -> None:
        """Set the secondary text at the right end of a row."""
        self._notes[path] = text
        if path in self._rows:
            self._rows[path].set_note(text)

    def set_marks(self, marks: dict[str, str]) -> None:
        """Set the border colours of fields: path → "hint" or "error". All others are plain."""
        for path in self._marks.keys() | marks.keys():
            self._mark(path, marks.get(path, ""))
        self._marks = dict(marks)
        rows = (self._planned.get(path) or self._planned.get(parent_of(path)) for path in marks)
        if any(row.advanced for row in rows if row is not None):
            self.set_more_open(True)

    def add_beside(self, path: str, widget: QWidget) -> None:
        """Add a widget at the right end of a row ("Find…"); it is kept when the row is recreated."""
        self._beside[path] = widget
        if path in self._rows:
            self._rows[path].add_beside(widget)
        else:  # it must not become a window of its own until the row is made
            widget.setParent(self)
            widget.hide()

    def refuse(self, path: str, sentence: str) -> None:
        """Show below a field why the emitted edit is impossible after all."""
        row = self.row(path)
        if isinstance(row.editor, NestedEditor) and path not in self._rows:
            row.editor.refuse_child(name_of(path), sentence)
        else:
            row.refuse(sentence)

    def focus_field(self, path: str) -> None:
        """Focus the field at a path, unfolding its group if necessary."""
        row = self.row(path)
        if row.planned.advanced:
            self.set_more_open(True)
        if isinstance(row.editor, NestedEditor) and name_of(path) in row.editor.fields:
            row.editor.fields[name_of(path)].setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif row.editor.stops():
            stop = row.editor.stops()[0]
            stop.setFocus(Qt.FocusReason.ShortcutFocusReason)
            if isinstance(stop, QLineEdit):
                stop.selectAll()  # typing replaces what is there, wherever the keyboard was before

    @property
    def more_open(self) -> bool:
        return self.more_button.isChecked()

    def set_more_open(self, opened: bool) -> None:
        """Expand or collapse the advanced fields."""
        self.more_button.setChecked(opened)
        self.more_button.setIcon(self._theme.icon("caret-down" if opened else "caret-right"))
        if opened:
            self._make_folded_rows()
        self._folded.setVisible(opened)

    # ------------------------------------------------------------------------------------ rows

    def _plan_rows(self) -> None:
        planned = [self._kind_row] if self._kind_row is not None else []
        planned += plan(self._records, only=self._only, exclude=self._exclude)
        self._planned = {row.path: row for row in planned}

    def _fit_rows(self, *, folded: bool = False) -> None:
        """Reuse the rows that still match, create the others, and arrange all in order."""
        inside = self.focusWidget()
        focused = ""
        if inside is not None:
            focused = next((path for path, row in self._rows.items() if row.isAncestorOf(inside)), "")
        old, self._rows = self._rows, {}
        for path, wanted in self._planned.items():
            row = old.pop(path, None)
            if row is not None and not row.matches(wanted):
                self._drop(row)
                row = None
            if row is not None:
                row.adopt(wanted)
                self._rows[path] = row
            elif folded or self.more_open or not wanted.advanced:
                self._rows[path] = self._make_row(wanted)
        for row in old.values():
            self._drop(row)
        self._lay_out()
        if focused in self._rows and self.focusWidget() is None:
            self.focus_field(focused)

    def _make_folded_rows(self) -> None:
        """Create the collapsed rows on demand; most records are viewed without them."""
        missing = [path for path in self._planned if path not in self._rows]
        if missing:
            self._fit_rows(folded=True)
        for path in missing:
            self._rows[path].editor.show_values(self._values(path))

    def _make_row(self, planned: PlannedRow) -> FormRow:
        row = FormRow(self._theme, planned)
        row.set_label_width(self._label_width)
        path = planned.path
        row.editor.edited.connect(lambda value: self._on_edited(path, value))
        if isinstance(row.editor, NestedEditor):
            row.editor.child_edited.connect(lambda name, value: self._on_edited(f"{path}.{name}", value))
        row.editor.problem_changed.connect(lambda sentence: self._on_problem(path, sentence))
        row.vary_requested.connect(lambda: self.vary_requested.emit(path))
        row.set_note(self._notes.get(path, ""))
        if path in self._beside:
            row.add_beside(self._beside[path])
        return row

    def _drop(self, row: FormRow) -> None:
        for path, widget in self._beside.items():
            if path == row.planned.path:
                widget.setParent(self)
                widget.hide()
        row.editor.blockSignals(
            True
        )  # a line edit that loses the focus would commit text that no longer belongs to this record
        row.hide()
        row.setParent(None)
        row.deleteLater()

    def _lay_out(self) -> None:
        for layout in (self._main, self._more):
            while layout.count():
                layout.takeAt(0)
        for row in self._rows.values():
            (self._more if row.planned.advanced else self._main).addWidget(row)
            row.show()
        any_more = any(planned.advanced for planned in self._planned.values())
        self.more_button.setVisible(any_more)
        self._folded.setVisible(any_more and self.more_open)
        main = [row for row in self._rows.values() if not row.planned.advanced]
        more = [row for row in self._rows.values() if row.planned.advanced]
        stops: list[QWidget] = [stop for row in main for stop in row.stops()]
        stops += [self.more_button, *(stop for row in more for stop in row.stops())]
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)
        for path, mark in self._marks.items():
            self._mark(path, mark)

    def _mark(self, path: str, mark: str) -> None:
        if path in self._rows:
            self._rows[path].editor.set_mark(mark)
        elif parent_of(path) in self._rows:
            editor = self._rows[parent_of(path)].editor
            if isinstance(editor, NestedEditor) and name_of(path) in editor.fields:
                editor.set_child_mark(name_of(path), mark)

    def _values(self, path: str) -> list[object]:
        return list(self._records) if path == KIND else [value_at(record, path) for record in self._records]

    def _make_more_button(self) -> QPushButton:
        button = QPushButton()
        button.setAutoDefault(False)
        set_role(button, Role.FOLD)
        button.setObjectName("form_more")
        button.setCheckable(True)
        button.setToolTip("Options that are rarely changed")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setIconSize(QSize(12, 12))
        button.clicked.connect(self.set_more_open)
        return button

    def _show_more_count(self) -> None:
        """Show how many of the collapsed options differ from their defaults, so that none is overlooked."""
        count = 0
        for path, planned in self._planned.items():
            if planned.advanced and planned.depth == 0:
                count += any(value != planned.spec.default for value in self._values(path))
        self.more_button.setText(f"More · {count} set" if count else "More")

    # ------------------------------------------------------------------------------------ edits

    def _on_edited(self, path: str, value: object) -> None:
        if path == KIND:
            self._tell("", value)
            return
        path, value = self._whole_nested(path, value)
        try:
            changed = [replaced_at(record, path, value) for record in self._records]
        except ValidationError as error:
            self._keep_or_refuse(path, value, error)
            return
        self._forget_draft(path)
        if changed != list(self._records) or any(
            type(value_at(after, path)) is not type(value_at(before, path))
            for after, before in zip(changed, self._records, strict=True)
        ):
            self._tell(path, value)
        else:
            self._show(path)

    def _tell(self, path: str, value: object) -> None:
        self._telling = True
        try:
            self.edited.emit(path, value)
        finally:
            self._telling = False

    def _whole_nested(self, path: str, value: object) -> tuple[str, object]:
        """Create a nested record that is off when one of its fields is set, and switch it off when its usual kind has
        no effect left.
        """
        outer = parent_of(path)
        if not outer or outer not in self._rows:
            return path, value
        spec = self._rows[outer].planned.spec
        if spec.usual is None:
            return path, value
        inner = [value_at(record, outer) for record in self._records]
        try:
            base = next((part for part in inner if isinstance(part, spec.usual)), spec.usual.new())
            after = base.replaced(**{name_of(path): value})
        except ValidationError:
            return path, value
        if spec.optional and after == spec.usual.new():
            return outer, None
        return (path, value) if all(part is not None for part in inner) else (outer, after)

    def _keep_or_refuse(self, path: str, value: object, error: ValidationError) -> None:
        """Refuse below the field; a value that only conflicts with another field is kept and tried again
        with that one.
        """
        outer = parent_of(path)
        if len(self._records) == 1 and is_about_the_whole(error):
            drafts = self._drafts.setdefault(outer, {})
            drafts[name_of(path)] = value
            record = value_at(self._records[0], outer)
            try:
                together = record.replaced(**drafts)
                replaced_at(self._records[0], outer, together)
            except ValidationError as again:
                error = again
            else:
                self._drafts.pop(outer)
                self._calm(f"{outer}.{name}" if outer else name for name in drafts)
                self._tell(outer, together)
                return
        self.refuse(path, refusal(error, self._spec(path).title))

    def _forget_draft(self, path: str) -> None:
        """The field has another value now, or its old one again: discard the pending refused value."""
        self._drafts.get(parent_of(path), {}).pop(name_of(path), None)

    def _on_problem(self, path: str, sentence: str) -> None:
        if not sentence and path in self._rows:
            for each in (path, *(f"{path}.{child.name}" for child in self._rows[path].planned.inline)):
                self._forget_draft(each)

    def _calm(self, paths: Iterable[str]) -> None:
        for path in paths:
            if path in self._rows:
                self._rows[path].editor.show_values(self._values(path))

    def _show(self, path: str) -> None:
        row = self.row(path)
        row.editor.show_values(self._values(row.planned.path))

    def _spec(self, path: str) -> FieldSpec:
        if path in self._rows:
            return self._rows[path].planned.spec
        return spec_at(type(value_at(self._records[0], parent_of(path))), name_of(path))

    def minimumSizeHint(self) -> QSize:
        size = super().minimumSizeHint()
        return QSize(max(size.width() - (self._label_width - NARROWEST_LABEL), 0), size.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = min(max(round(self.width() * 0.375) - 8, NARROWEST_LABEL), 124)
        if width != self._label_width:
            self._label_width = width
            for row in self._rows.values():
                row.set_label_width(width)


def _column(parent: QWidget | None = None) -> QVBoxLayout:
    column = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    return column
