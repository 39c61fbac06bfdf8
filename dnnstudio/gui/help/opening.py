"""Opens what the Help menu offers; each window once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QWhatsThis, QWidget

from dnnstudio.gui.base.actions import Actions


class HelpOpener(QObject):
    """The dialogs of the Help menu; they are made when they are first asked for."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._window = window
        self._open: dict[str, QDialog] = {}
        actions.connect(
            {
                "keys": self.show_keys,
                "first_minutes": lambda: self._show("first_minutes", _first_minutes),
                "whats_this": QWhatsThis.enterWhatsThisMode,
                "about": lambda: self._show("about", _about),
            }
        )

    def close_all(self) -> None:
        """Close every dialog: the window closes."""
        for dialog in self._open.values():
            dialog.close()

    def show_keys(self) -> None:
        """Show the list of keys, at its search line; also when it is open already."""
        self._show("keys", _keys)
        if (search := self._open["keys"].findChild(QLineEdit)) is not None:
            search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            search.selectAll()

    def _show(self, name: str, make: Callable[[QWidget], QDialog]) -> None:
        dialog = self._open.get(name)
        if dialog is None:
            dialog = self._open[name] = make(self._window)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()


def _keys(window: QWidget) -> QDialog:
    from dnnstudio.gui.help.keys_dialog import KeysDialog

    return KeysDialog(window)


def _first_minutes(window: QWidget) -> QDialog:
    from dnnstudio.gui.help.first_minutes import FirstMinutesDialog

    return FirstMinutesDialog(window)


def _about(window: QWidget) -> QDialog:
    from dnnstudio.gui.help.about_dialog import AboutDialog

    return AboutDialog(window)
