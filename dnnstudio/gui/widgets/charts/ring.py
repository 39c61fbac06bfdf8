"""The frame around a drawing that has the keyboard, as the stylesheet gives it to buttons and fields."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QWidget

from dnnstudio.gui.theme import Role, set_role


class FocusRing(QFrame):
    """Lies over `widget` while it has the keyboard."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        set_role(self, Role.RING)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        widget.installEventFilter(self)
        self._widget = widget

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._widget:
            match event.type():
                case QEvent.Type.FocusIn:
                    self.setGeometry(self._widget.rect())
                    self.raise_()
                    self.show()
                case QEvent.Type.FocusOut:
                    self.hide()
                case QEvent.Type.Resize:
                    self.setGeometry(self._widget.rect())
        return False
