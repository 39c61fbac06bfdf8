"""The theme of the running program: palette, font, stylesheet, and the colours that painters need.

One `Theme` is created at start-up and passed to everything that paints; there is no global look-up.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from PySide6.QtCore import QObject, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from dnnstudio.core.resources import resource_folder
from dnnstudio.gui.theme import icons
from dnnstudio.gui.theme.stylesheet import stylesheet
from dnnstudio.gui.theme.tokens import CONTRAST, DARK, LIGHT, Tokens

Choice = Literal["light", "dark", "contrast", "system"]
THEMES = {tokens.name: tokens for tokens in (LIGHT, DARK, CONTRAST)}
"""By their names, in the order in which the theme button goes through them."""
FAMILY = "Inter"


class Theme(QObject):
    """The look of the whole application. `changed` is emitted after another theme is applied."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: Choice = "system") -> None:
        super().__init__(app)
        self._app = app
        self._choice: Choice = choice
        self._tokens = LIGHT
        self._applied = False
        self._fonts: dict[tuple[int, QFont.Weight], QFont] = {}
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)
        app.styleHints().accessibility().contrastPreferenceChanged.connect(self._on_contrast_changed)

    # ------------------------------------------------------------------------------------ what is in force

    @property
    def choice(self) -> Choice:
        """The user's choice: light, dark, high contrast, or the system's."""
        return self._choice

    @property
    def next(self) -> Choice:
        """The choice after the present one, for a button that goes through all of them: light, dark, high contrast, as
        the system has it. One that looks as it looks now is passed over.
        """
        order: tuple[Choice, ...] = (*THEMES, "system")
        after = order.index(self._choice) + 1
        following = (order[(after + more) % len(order)] for more in range(len(order)))
        return next(choice for choice in following if choice == "system" or THEMES[choice] is not self._tokens)

    def tokens(self) -> Tokens:
        """The present colours."""
        return self._tokens

    def color(self, token: str, alpha: int | None = None) -> QColor:
        """The colour of a token ("accent", "text2", "series_2"), with optional opacity (0 to 255)."""
        tokens = self._tokens
        series = token.startswith("series_")
        value = QColor(tokens.series[int(token.removeprefix("series_"))] if series else getattr(tokens, token))
        if alpha is not None:
            value.setAlpha(alpha)
        return value

    def icon(self, name: str, color: str = "text2", *, on: str = "") -> QIcon:
        """An icon in the colour of a token; `on` is the token for the checked state.

        The icon looks up its colour at every paint, so it never needs to be recreated for another theme.
        """

        def now(mode: QIcon.Mode, state: QIcon.State) -> QColor:
            if mode == QIcon.Mode.Disabled:
                return self.color("text3", 110)
            return self.color(on if on and state == QIcon.State.On else color)

        return icons.icon(name, now)

    def pixmap(self, name: str, size: int = 16, color: str = "text2", ratio: float = 1.0) -> QPixmap:
        """An icon as a pixmap in the present colours; recreate it on `changed`."""
        return icons.pixmap(name, size, self.color(color), ratio)

    def font(self, size: int = 13, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """The program's font in another size (pixels) and weight, for painters."""
        if (size, weight) not in self._fonts:
            font = self._fonts[size, weight] = QFont(self._app.font())
            font.setPixelSize(size)
            font.setWeight(weight)
        return QFont(self._fonts[size, weight])

    # ------------------------------------------------------------------------------------ changing it

    def apply(self, choice: Choice | None = None) -> None:
        """Apply the chosen theme (without an argument: the previous choice again)."""
        self._choice = choice or self._choice
        hints = self._app.styleHints()
        if self._choice == "system":
            hints.unsetColorScheme()
            self._put_in_force(self._systems())
            return
        tokens = THEMES[self._choice]
        hints.setColorScheme(Qt.ColorScheme.Dark if tokens.dark else Qt.ColorScheme.Light)
        self._put_in_force(tokens)

    def _systems(self, scheme: Qt.ColorScheme | None = None, contrast: Qt.ContrastPreference | None = None) -> Tokens:
        """What the system wants: high contrast where it says so, else its light or dark."""
        hints = self._app.styleHints()
        wish = hints.accessibility().contrastPreference() if contrast is None else contrast
        if wish == Qt.ContrastPreference.HighContrast:
            return CONTRAST
        return DARK if (hints.colorScheme() if scheme is None else scheme) == Qt.ColorScheme.Dark else LIGHT

    def _put_in_force(self, tokens: Tokens) -> None:
        if self._applied and tokens is self._tokens:
            return
        self._tokens = tokens
        if not self._applied:
            self._app.setStyle("Fusion")
            self._app.setFont(_base_font())
            self._fonts.clear()
            self._applied = True
        self._app.setPalette(_palette(tokens))
        self._app.setStyleSheet(stylesheet(tokens, _picture_file))
        self.changed.emit()

    @contextmanager
    def styled_at_the_end(self) -> Iterator[None]:
        """Context in which new widgets are styled once at the end, instead of at every reparenting, which would double
        the time.
        """
        sheet = self._app.styleSheet()
        self._app.setStyleSheet("")
        try:
            yield
        finally:
            self._app.setStyleSheet(sheet)

    def _on_scheme_changed(self, scheme: Qt.ColorScheme) -> None:
        if self._choice == "system" and self._applied:
            self._put_in_force(self._systems(scheme=scheme))

    def _on_contrast_changed(self, contrast: Qt.ContrastPreference) -> None:
        if self._choice == "system" and self._applied:
            self._put_in_force(self._systems(contrast=contrast))


def _base_font() -> QFont:
    """Inter, which comes with the program, so that it looks alike everywhere; with tabular figures."""
    for file in sorted((resource_folder() / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))
    font = QFont(FAMILY)
    font.setPixelSize(13)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def _palette(t: Tokens) -> QPalette:
    """The colours of what Fusion draws without the stylesheet."""
    palette = QPalette()
    role = QPalette.ColorRole
    for which, color in (
        (role.Window, t.bg),
        (role.WindowText, t.text),
        (role.Base, t.surface),
        (role.AlternateBase, t.inset),
        (role.Button, t.surface),
        (role.ButtonText, t.text),
        (role.Text, t.text),
        (role.BrightText, t.on_accent),
        (role.PlaceholderText, t.text3),
        (role.ToolTipBase, t.text),
        (role.ToolTipText, t.surface),
        (role.Highlight, t.accent_fill),
        (role.HighlightedText, t.on_accent),
        (role.Accent, t.accent_fill),
        (role.Link, t.accent),
        (role.LinkVisited, t.accent),
        (role.Light, t.hover),
        (role.Midlight, t.hover),
        (role.Mid, t.strong),
        (role.Dark, t.strong),
        (role.Shadow, t.strong),
    ):
        palette.setColor(which, QColor(color))
    for which in (role.WindowText, role.ButtonText, role.Text):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(t.text3))
    return palette


@cache
def _picture_folder() -> QTemporaryDir:
    """A per-process folder for the arrows and check marks of the stylesheet; deleted at exit."""
    folder = QTemporaryDir()
    atexit.register(folder.remove)
    return folder


def remove_picture_files() -> None:
    """Delete the stylesheet's pictures: for a process that ends without its exit functions."""
    if _picture_folder.cache_info().currsize:
        _picture_folder().remove()


@cache
def _picture_file(name: str, color: str, size: int) -> str:
    """The path of an icon drawn to a file, with an @2x version for high-resolution screens."""
    path = _picture_folder().filePath(f"{name}-{color[1:]}-{size}.png")
    icons.pixmap(name, size, color).save(path)
    icons.pixmap(name, size * 2, color).save(path.replace(".png", "@2x.png"))
    return path
