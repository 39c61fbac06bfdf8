"""A theme, and a person at a form."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.theme import Theme

from .form_driver import FormUser


@pytest.fixture
def use(theme: Theme, qtbot: QtBot) -> type:
    class Use:
        """Shows a form of a record and gives the person at it."""

        def __new__(cls, value: object, **more: object) -> FormUser:
            form = OptionForm(theme, value, **more)
            form.set_more_open(True)
            form.resize(320, form.sizeHint().height())
            qtbot.addWidget(form)
            with qtbot.waitExposed(form):
                form.show()
            with qtbot.waitActive(form):
                form.activateWindow()
            return FormUser(form)

    return Use
