"""The look: colours that can be read, icons that exist, one stylesheet that Qt understands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QIcon, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QCompleter,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.layers import LAYER_KINDS
from dnnstudio.core.resources import resource_folder
from dnnstudio.gui.base.settings import ThemeChoice
from dnnstudio.gui.theme import CONTRAST, DARK, LIGHT, THEMES, Role, Theme, Tokens, icons, set_role, set_state
from dnnstudio.gui.theme.stylesheet import stylesheet


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    made.apply()
    yield made
    made.apply("light")
    made.deleteLater()


def _luminance(color: str) -> float:
    """WCAG 2.2's relative luminance, by hand."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_every_text_can_be_read_on_its_ground(tokens: Tokens) -> None:
    pairs = [(tokens.text, tokens.surface), (tokens.text2, tokens.surface), (tokens.text3, tokens.surface)]
    pairs += [(tokens.on_accent, tokens.accent_fill), (tokens.accent, tokens.accent_soft)]
    pairs += [(tokens.hint, tokens.hint_soft), (tokens.error, tokens.error_soft), (tokens.good, tokens.good_soft)]
    for text, ground in pairs:
        assert _contrast(text, ground) >= least_of(tokens), (text, ground)


def least_of(tokens: Tokens) -> float:
    """WCAG 2.2's least contrast of text: level AAA for the high-contrast theme, else level AA."""
    return 7.0 if tokens is CONTRAST else 4.5


RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
GROUNDS = ("bg", "surface", "inset")
"""What a text without a ground of its own may stand on."""


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_every_rule_of_the_stylesheet_can_be_read(tokens: Tokens) -> None:
    """The text colour of each rule on the ground of that rule, or on each ground that it may stand on."""
    looked_at = 0
    for selector, body in RULE.findall(stylesheet(tokens, lambda name, color, size: f"/{name}.png")):
        found = dict(re.findall(r"(?<![-\w])(color|background):\s*(#[0-9a-fA-F]{6})\b", body))
        if "color" not in found or ":disabled" in selector:  # WCAG asks nothing of what cannot be used
            continue
        grounds = [found["background"]] if "background" in found else [getattr(tokens, name) for name in GROUNDS]
        for ground in grounds:
            looked_at += 1
            assert _contrast(found["color"], ground) >= least_of(tokens), (selector.strip(), found["color"], ground)
    assert looked_at > 40


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_every_plot_colour_stands_out_from_the_surface(tokens: Tokens) -> None:
    for color in (tokens.train, tokens.validation, tokens.learning_rate, tokens.right, tokens.wrong, *tokens.series):
        assert _contrast(color, tokens.surface) >= (4.5 if tokens is CONTRAST else 3), color
    assert len(set(tokens.series)) == len(tokens.series)


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_every_token_is_a_colour(tokens: Tokens) -> None:
    for field in fields(tokens):
        if field.name not in ("name", "grid_alpha"):
            value = getattr(tokens, field.name)
            for color in value if isinstance(value, tuple) else (value,):
                assert QColor(color).isValid() and len(color) == 7, (field.name, color)


def test_the_stylesheet_knows_every_role() -> None:
    text = stylesheet(LIGHT, lambda name, color, size: f"/{name}.png")
    unknown = [role for role in Role if f'role="{role}"' not in text]
    assert unknown == []


def test_every_layer_kind_has_an_icon(qapp: QApplication) -> None:
    for kind in LAYER_KINDS.values():
        assert not icons.icon(kind.icon, "#000000").isNull(), kind.icon  # `KeyError` for an icon that is not there


def test_an_unknown_icon_is_a_key_error_that_names_it(qapp: QApplication) -> None:
    with pytest.raises(KeyError, match="no-such-icon"):
        icons.icon("no-such-icon", "#000000")


def test_an_icon_fills_its_box_and_keeps_inside(qapp: QApplication) -> None:
    for name in ("play-fill", "lock", "share-network", "caret-down", "dots-three"):
        picture = icons.pixmap(name, 32, "#102030").toImage()
        drawn = [(x, y) for x in range(32) for y in range(32) if picture.pixelColor(x, y).alpha() > 127]
        assert drawn, name
        assert all(0 < x < 31 and 0 < y < 31 for x, y in drawn), name
        left, right = min(x for x, _ in drawn), max(x for x, _ in drawn)
        assert abs((left + right) / 2 - 15.5) <= 3, name


def test_a_picture_for_a_fine_screen_has_twice_the_pixels(qapp: QApplication) -> None:
    picture = icons.pixmap("stack", 16, "#000000", ratio=2)
    assert picture.width() == 32 and picture.devicePixelRatio() == 2


def _main_color(icon: QIcon) -> QColor:
    image = icon.pixmap(16, 16).toImage()
    solid = [image.pixelColor(x, y) for x in range(16) for y in range(16) if image.pixelColor(x, y).alpha() == 255]
    return solid[0]


def test_an_icon_follows_the_theme_without_being_made_again(theme: Theme) -> None:
    icon = theme.icon("stop-fill", "accent")
    assert _main_color(icon).name().upper() == LIGHT.accent
    theme.apply("dark")
    assert _main_color(icon).name().upper() == DARK.accent


def test_applying_a_theme_changes_palette_stylesheet_and_tells(theme: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    before = qapp.styleSheet()
    with qtbot.waitSignal(theme.changed):
        theme.apply("dark")
    assert theme.tokens() is DARK and theme.choice == "dark"
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == DARK.bg
    assert qapp.styleSheet() != before
    with qtbot.assertNotEmitted(theme.changed):
        theme.apply("dark")


def test_the_system_theme_is_followed(theme: Theme, qapp: QApplication) -> None:
    theme.apply("system")
    assert theme.tokens() is (DARK if qapp.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT)
    for scheme, tokens in ((Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
        qapp.styleHints().colorSchemeChanged.emit(scheme)
        assert theme.tokens() is tokens
    contrast = qapp.styleHints().accessibility().contrastPreferenceChanged
    contrast.emit(Qt.ContrastPreference.HighContrast)
    assert theme.tokens() is CONTRAST
    contrast.emit(Qt.ContrastPreference.NoPreference)
    assert theme.tokens() is not CONTRAST


def test_the_next_theme_leads_through_all_of_them(theme: Theme) -> None:
    theme.apply("light")
    seen: list[str] = []
    for _ in range(4):
        seen.append(theme.choice)
        theme.apply(theme.next)
    assert seen == ["light", "dark", "contrast", "system"]
    after = theme.choice
    theme.apply("system")
    assert after == ("dark" if theme.tokens() is LIGHT else "light")


def test_a_chosen_theme_does_not_follow_the_system(theme: Theme, qapp: QApplication) -> None:
    theme.apply("light")
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    qapp.styleHints().accessibility().contrastPreferenceChanged.emit(Qt.ContrastPreference.HighContrast)
    assert theme.tokens() is LIGHT


def test_the_font_is_inter_and_its_figures_are_of_one_width(theme: Theme, qapp: QApplication) -> None:
    font = qapp.font()
    assert QFontInfo(font).family() == "Inter"
    assert font.pixelSize() == 13 and font.featureValue(QFont.Tag("tnum")) == 1
    assert theme.font(11, QFont.Weight.DemiBold).pixelSize() == 11
    weights = (QFont.Weight.Normal, QFont.Weight.Medium, QFont.Weight.DemiBold, QFont.Weight.Bold)
    for weight in weights:
        assert QFontInfo(theme.font(13, weight)).weight() == weight
        metrics = QFontMetricsF(theme.font(13, weight))
        widths = [metrics.horizontalAdvance(str(figure) * 8) for figure in range(10)]
        assert max(widths) - min(widths) < 0.5  # without tabular figures "1" is a third narrower


def test_the_font_comes_with_its_licence() -> None:
    assert "SIL OPEN FONT LICENSE" in (resource_folder() / "fonts" / "OFL.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [QLineEdit, QComboBox, QPushButton])
def test_focus_moves_nothing(theme: Theme, qtbot: QtBot, kind: type[QLineEdit | QComboBox | QPushButton]) -> None:
    widget = kind()
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    before = widget.sizeHint()
    with qtbot.waitActive(widget):
        widget.activateWindow()
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    widget.ensurePolished()
    assert before.height() == 28
    assert widget.sizeHint() == before


def test_a_state_reaches_the_stylesheet(theme: Theme, qtbot: QtBot) -> None:
    line = QLineEdit()
    set_role(line, Role.INLINE)
    qtbot.addWidget(line)
    line.resize(80, 28)
    assert not _near(line.grab().toImage().pixelColor(40, 0), LIGHT.hint_dot)
    set_state(line, "mark", "hint")
    assert _near(line.grab().toImage().pixelColor(40, 0), LIGHT.hint_dot)


def _near(color: QColor, token: str) -> bool:
    """The same on a display of few colours too (Xvfb's default has 16 bits a pixel)."""
    return max(abs(a - b) for a, b in zip(color.getRgb(), QColor(token).getRgb(), strict=True)) <= 8  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_chosen_radio_button_keeps_its_dot_with_the_focus(theme: Theme, qtbot: QtBot, name: ThemeChoice) -> None:
    theme.apply(name)
    button = QRadioButton("Go on")
    qtbot.addWidget(button)
    with qtbot.waitActive(button):
        button.show()
        button.activateWindow()
    button.setFocus()
    assert button.hasFocus()

    def middle() -> QColor:
        picture = button.grab().toImage()
        return picture.pixelColor(8, picture.height() // 2)

    empty = middle()
    button.setChecked(True)
    assert QColor(theme.tokens().accent_fill) == middle() != empty


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_names_that_complete_a_file_name_have_the_theme_s_ground(
    theme: Theme, qtbot: QtBot, name: ThemeChoice
) -> None:
    theme.apply(name)
    field = QLineEdit()
    completer = QCompleter(["task A.json", "task B.json"], field)
    qtbot.addWidget(field)
    field.setCompleter(completer)
    field.show()
    completer.setCompletionPrefix("task")
    completer.complete()
    shown = completer.popup().viewport().grab().toImage()
    assert _near(shown.pixelColor(shown.width() - 20, shown.height() - 2), theme.tokens().surface)
    completer.popup().hide()


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_buttons_of_a_file_dialog_are_of_the_theme_s_colour(
    theme: Theme, qtbot: QtBot, tmp_path: Path, name: ThemeChoice
) -> None:
    theme.apply(name)
    dialog = QFileDialog(None, "Save", str(tmp_path))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    qtbot.addWidget(dialog)
    for button in dialog.findChildren(QToolButton):
        drawn = button.icon().pixmap(16, 16).toImage()
        colors = [drawn.pixelColor(x, y) for x in range(16) for y in range(16)]
        solid = [QColor(color.rgb()) for color in colors if color.alpha() > 120]
        assert solid and all(_near(color, theme.tokens().text2) for color in solid), button.objectName()


def test_a_process_that_skips_its_exit_functions_can_leave_no_pictures(tmp_path: Path) -> None:
    program = (
        "import os; from PySide6.QtWidgets import QApplication; from dnnstudio.gui.theme import *\n"
        "app = QApplication([]); Theme(app, 'light').apply()\n"
        "print(len(os.listdir(os.environ['TMPDIR'])), flush=True)\n"
        "remove_picture_files(); os._exit(0)"
    )
    more = {"TMPDIR": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | more, capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) > 0
    assert list(tmp_path.iterdir()) == []
