"""A row of a form: label, editor, and the reason of a refusal below."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QContextMenuEvent, QCursor, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolTip,
    QWidget,
)

from dnnstudio.gui.forms.editors import Editor, field_name, make_editor
from dnnstudio.gui.forms.label_button import LabelButton
from dnnstudio.gui.forms.nested import NestedEditor
from dnnstudio.gui.forms.plan import PlannedRow
from dnnstudio.gui.forms.spec import EditorKind, kind_choices
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import ElidedLabel, label
from dnnstudio.gui.widgets.menus import add_usual

HEIGHT = 28
INDENT = 12
GAP = 8
SETTLE_MS = 150


class FormRow(QWidget):
    """Label, editor, note, and the message why the present text is refused.

    `vary_requested` from the menu of the label, which a right click or the menu key opens beside the editor.
    """

    vary_requested = Signal()

    def __init__(self, theme: Theme, planned: PlannedRow) -> None:
        super().__init__()
        self.planned = planned
        spec = planned.spec
        self.editor: Editor
        if spec.editor is EditorKind.NESTED:
            self.editor = NestedEditor(theme, spec, planned.path, combo=planned.combo, inline=planned.inline)
        else:
            self.editor = make_editor(theme, spec, planned.path)
        self.editor.setMinimumHeight(HEIGHT)
        self.editor.problem_changed.connect(self._show_problem)
        for stop in self.editor.stops():
            stop.installEventFilter(self)
        self._label = self._make_label(theme)
        self.note = ElidedLabel("", Role.CAPTION)  # in a narrow panel it gives way, not the fields
        self.note.hide()
        self._problem = label("", Role.ERROR, wrap=True)
        self._problem.setObjectName(field_name(planned.path) + "_problem")
        self._problem.hide()
        self._later = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._later.timeout.connect(self._settle)
        self._side = QHBoxLayout()
        self._side.setContentsMargins(0, 0, 0, 0)
        self._side.setSpacing(8)
        self._side.addWidget(self.editor, 1)
        self._side.addWidget(self.note)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        grid = QGridLayout(self)
        grid.setContentsMargins(planned.depth * INDENT, 0, 0, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._label, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        self._label_width = 0
        grid.addLayout(self._side, 0, 1)
        grid.addWidget(self._problem, 1, 1)

    @property
    def problem(self) -> str:
        return self._problem.text()

    def matches(self, planned: PlannedRow) -> bool:
        """Whether the row can be reused for a new plan: only inline numbers and the title may differ."""
        old = self.planned
        return (old.path, old.spec, old.depth, old.combo, old.advanced) == (
            (planned.path, planned.spec, planned.depth, planned.combo, planned.advanced)
        )

    def adopt(self, planned: PlannedRow) -> None:
        """Reuse the row for a new plan that `matches`."""
        if isinstance(self.editor, NestedEditor) and self.planned.inline != planned.inline:
            self.editor.set_inline(planned.inline)
            self._show_problem("")
        self.planned = planned
        self.set_title(planned.title)

    def set_title(self, title: str) -> None:
        if self._label.text() != title:
            self._label.setText(title)
            self._fit_label()

    def set_label_width(self, width: int) -> None:
        """Set the width of the form's labels; indented ones are narrower by the indent."""
        self._label_width = max(width - self.planned.depth * INDENT, 24)
        self._fit_label()

    def _fit_label(self) -> None:
        """Set the height for the wrapped text explicitly, as a wrapping label's size hint is for another width."""
        if isinstance(self._label, LabelButton):
            self._label.setFixedSize(self._label_width, self._label.height_for(self._label_width))
            return
        _fit_height(self._label, self._label_width)
        self._label.setFixedWidth(self._label_width)

    def set_note(self, text: str) -> None:
        """Set the secondary text at the right end: "30,100 parameters"."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def add_beside(self, widget: QWidget) -> None:
        """Add a button at the right end of the row."""
        self._side.addWidget(widget)
        widget.show()

    def refuse(self, sentence: str) -> None:
        """Show why the last edit is impossible."""
        self.editor.refuse(sentence)

    def _show_problem(self, sentence: str) -> None:
        self._problem.setText(sentence)
        if sentence:
            self._fit_problem()
        self._settle()

    def _settle(self) -> None:
        """Show or hide the sentence, but not while the pointer is on what that would move: a press there would hit
        something else. A tooltip says it meanwhile.
        """
        sentence = self._problem.text()
        if self._problem.isHidden() is not bool(sentence):
            self._later.stop()
        elif points_below(self):
            if sentence and not self._later.isActive():
                QToolTip.showText(self.mapToGlobal(QPoint(self._label_width + GAP, HEIGHT)), sentence, self)
            self._later.start()
        else:
            self._problem.setVisible(bool(sentence))

    def _fit_problem(self) -> None:
        taken = self.planned.depth * INDENT + self._label_width + GAP
        _fit_height(self._problem, max(self.width() - taken, 40))

    def _make_label(self, theme: Theme) -> QLabel | LabelButton:
        spec, stops = self.planned.spec, self.editor.stops()
        menu = isinstance(self.editor, NestedEditor) and len(spec.kinds) > 1 and not self.planned.combo
        if not menu:
            made = label(self.planned.title, Role.FORM, wrap=True)
            made.setToolTip(spec.help)
            if stops:
                made.setBuddy(stops[0])
            return made
        button = LabelButton(theme, self.planned.title)
        button.setToolTip(f"{spec.help} Press to choose the kind.")
        button.setAccessibleName(f"{spec.title}: kind")
        button.setObjectName(field_name(self.planned.path) + "_kind")
        button.setMenu(self._kind_menu(button))
        return button

    def _kind_menu(self, parent: QWidget) -> QMenu:
        menu = QMenu(parent)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        for choice in kind_choices(self.planned.spec.kinds, optional=self.planned.spec.optional):
            action = QAction(choice.label, menu)
            action.setToolTip(choice.help)
            action.setData(choice)
            group.addAction(action)
            menu.addAction(action)
        group.triggered.connect(self._on_kind)
        return menu

    def _on_kind(self, action: QAction) -> None:
        assert isinstance(self.editor, NestedEditor)
        self.editor.choose_kind(action.data().value)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ContextMenu and isinstance(event, QContextMenuEvent):
            menu = self.field_menu()
            if isinstance(watched, QLineEdit):
                add_usual(menu, watched)
            self._popup(menu, event)
            return True
        return super().eventFilter(watched, event)

    def _popup(self, menu: QMenu, event: QContextMenuEvent) -> None:
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._popup(self.field_menu(), event)

    def field_menu(self) -> QMenu:
        """The menu of the field."""
        menu = QMenu(self)
        menu.setObjectName("field_menu")
        menu.setToolTipsVisible(True)
        action = menu.addAction("Vary…")
        action.setObjectName("vary_field")
        action.setToolTip("Train with several values of this field, and see which is best.")
        action.triggered.connect(self.vary_requested)
        return menu

    def stops(self) -> tuple[QWidget, ...]:
        """The widgets in this row's tab order."""
        first: tuple[QWidget, ...] = (self._label,) if isinstance(self._label, LabelButton) else ()
        return first + self.editor.stops()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._problem.text():
            self._fit_problem()


def _fit_height(words: QLabel, width: int) -> None:
    """Set the height for the wrapped text at this width: inside nested layouts a wrapping label keeps the height of an
    earlier width.
    """
    words.ensurePolished()
    words.setMinimumHeight(0)  # heightForWidth never answers less than the minimum
    words.setMinimumWidth(0)
    words.setFixedHeight(words.heightForWidth(width))
    policy = words.sizePolicy()
    policy.setHeightForWidth(False)
    words.setSizePolicy(policy)


def points_below(row: QWidget) -> bool:
    """Whether the pointer is on something that moves when `row` gets higher or lower: below it, in the same panel."""
    at = QCursor.pos()
    place, under = row.mapFromGlobal(at), QApplication.widgetAt(at)
    if under is None or under.window() is not row.window() or place.y() < row.height():
        return False
    panel: QWidget = row
    while not panel.isWindow() and not isinstance(panel, QAbstractScrollArea):
        above = panel.parentWidget()
        assert above is not None, "what is no window has a parent"
        panel = above
    return panel is under or panel.isAncestorOf(under)
