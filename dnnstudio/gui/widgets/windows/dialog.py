"""What every dialog and every window of its own is made of: none is larger than the screen, and Esc closes it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from dnnstudio.gui.widgets.windows import screen_fit
from dnnstudio.gui.widgets.windows.pressing import pressed_by_return
from dnnstudio.gui.widgets.windows.why import tell_why
from dnnstudio.gui.widgets.windows.why_list import bind_why

FITTED_AT = (QEvent.Type.LayoutRequest, QEvent.Type.ScreenChangeInternal)


class Dialog(QDialog):
    """A dialog that is limited to the screen's available area whenever it is shown, grows, or gets another screen.

    Its layout is a column whose last items are its buttons, or a row. If the screen has less room than the layout
    needs, all but the buttons scrolls. Esc is `reject`, unless a field takes back what was typed.
    """

    def __init__(self, parent: QWidget | None = None, flags: Qt.WindowType = Qt.WindowType.Dialog) -> None:
        super().__init__(parent, flags)
        self._fitting = False
        self._framed = False
        """Whether the frame around it was known when it was fitted to the screen."""
        bind_why(self)

    def fit_screen(self) -> None:
        """Take no more room than the screen has."""
        if self._fitting:
            return
        self._fitting = True
        try:
            area = screen_fit.available_area(self)
            screen_fit.roll_if_needed(self, area)
            screen_fit.limit(self, area)
            if self.isVisible():
                screen_fit.bring_into(self, area)
        finally:
            self._fitting = False

    def setVisible(self, visible: bool) -> None:
        if visible and not self.isVisible():
            self._framed = False
            self.ensurePolished()
            if not self.testAttribute(Qt.WidgetAttribute.WA_Resized):
                self.adjustSize()  # which gives no more than two thirds of the screen: text that wraps was cut
                self.resize(self.size().expandedTo(screen_fit.needed_size(self, self.width())))
            self.fit_screen()
        super().setVisible(visible)
        if visible and self.isVisible():
            self.fit_screen()  # its place is known now, and on some systems its frame

    def event(self, event: QEvent) -> bool:
        handled = pressed_by_return(self, event) or tell_why(self, event) or super().event(event)
        framed = event.type() == QEvent.Type.WindowActivate and not self._framed  # X11 tells the frame no sooner
        if (framed or event.type() in FITTED_AT) and self.isVisible():
            self._framed = self._framed or framed
            self.fit_screen()
        return handled


EVERYWHERE = ("action_keys",)
UNDOES = ("action_undo", "action_redo")
"""Names of the main window's actions whose keys work in windows beside it."""


class Window(Dialog):
    """A window of its own beside the main one: with a frame that can be made larger, and not modal.

    The key for help is that of the main window; where `changes_experiment`, those of undo and redo are so too.
    """

    changes_experiment = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        names = (*EVERYWHERE, *UNDOES) if self.changes_experiment else EVERYWHERE
        main = parent.window().actions() if parent is not None else []
        self.addActions([action for action in main if action.objectName() in names])

    def setVisible(self, visible: bool) -> None:
        if visible and not self.isVisible() and not self.testAttribute(Qt.WidgetAttribute.WA_Moved):
            twins = [one for one in QApplication.topLevelWidgets() if type(one) is type(self) and one.isVisible()]
            if twins:  # two in one place look like one
                screen_fit.put_beside(self, [one.pos() for one in twins])
        super().setVisible(visible)
