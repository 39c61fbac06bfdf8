"""The colours of the program, named by their meaning. No other module names a colour.

Plain data, no Qt. The values are those of the visual language; every text reaches a contrast of 4.5:1 on `surface`,
every plot colour 3:1. In the high-contrast theme text reaches 7:1 (WCAG 2.2, level AAA), plot colours and edges 4.5:1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["news", "hint", "error", "good"]
"""Meaning of a message, an advice card or a field's border."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """One theme. Colours are "#RRGGBB"."""

    name: Literal["light", "dark", "contrast"]

    # surfaces
    bg: str
    """The window behind the cards."""
    surface: str
    """Cards, bars, fields, the background of plots."""
    inset: str
    """Icon tiles, chips, the half of a plot that is still to come."""
    hover: str
    """Under the pointer; the track of a segmented control, of progress and sliders."""
    border: str
    strong: str
    """Edges of fields, axis lines, the line that marks now."""

    # text
    text: str
    text2: str
    text3: str

    # the one accent
    accent: str
    """Links, the selected edge, the active tab, icons of the selected thing."""
    accent_fill: str
    """Primary button, toggle, progress, the selected tile; `on_accent` stands on it."""
    accent_soft: str
    accent_line: str
    on_accent: str

    # meaning
    hint: str
    hint_dot: str
    hint_soft: str
    hint_line: str
    error: str
    error_dot: str
    error_soft: str
    error_line: str
    good: str
    good_dot: str
    good_soft: str
    good_line: str

    # plots (Okabe and Ito's palette, lightened on dark)
    train: str
    validation: str
    learning_rate: str
    right: str
    wrong: str
    planned: str
    series: tuple[str, ...]
    """The first five classes or models; what comes after is `planned`."""
    grid_alpha: int
    heat_low: str
    heat_high: str
    ink_low: str
    """Grey pictures are drawn from `ink_low` (0) to `ink_high` (255)."""
    ink_high: str

    segment: str
    """The chosen one in a segmented control."""
    segment_line: str

    @property
    def dark(self) -> bool:
        """Whether text is lighter than its ground; true of high contrast too."""
        return self.name != "light"

    def of(self, severity: Severity) -> tuple[str, str, str, str]:
        """Text, dot, background and border of a severity; plain news uses the surface colours."""
        return {
            "news": (self.text, self.accent_fill, self.surface, self.border),
            "hint": (self.hint, self.hint_dot, self.hint_soft, self.hint_line),
            "error": (self.error, self.error_dot, self.error_soft, self.error_line),
            "good": (self.good, self.good_dot, self.good_soft, self.good_line),
        }[severity]


LIGHT = Tokens(
    name="light",
    bg="#F3F4F7",
    surface="#FFFFFF",
    inset="#F5F6F9",
    hover="#ECEEF3",
    border="#E2E5EB",
    strong="#C8CDD7",
    text="#1A1D26",
    text2="#555D6E",
    text3="#687080",
    accent="#5151CD",
    accent_fill="#5151CD",
    accent_soft="#EEEEFB",
    accent_line="#BDBDF0",
    on_accent="#FFFFFF",
    hint="#8A5A00",
    hint_dot="#E69F00",
    hint_soft="#FFF6E0",
    hint_line="#F0D9A0",
    error="#B3401A",
    error_dot="#D55E00",
    error_soft="#FDEFE8",
    error_line="#F3C6AF",
    good="#00735A",
    good_dot="#009E73",
    good_soft="#E3F5EF",
    good_line="#A9DCCB",
    train="#0072B2",
    validation="#D55E00",
    learning_rate="#009E73",
    right="#009E73",
    wrong="#D55E00",
    planned="#8A92A3",
    series=("#009E73", "#D55E00", "#B85C93", "#B87A00", "#3393CC"),
    grid_alpha=28,
    heat_low="#EEEEFB",
    heat_high="#2F2F96",
    ink_low="#F5F6F9",
    ink_high="#1A1D26",
    segment="#FFFFFF",
    segment_line="#E2E5EB",
)

DARK = Tokens(
    name="dark",
    bg="#121419",
    surface="#1A1D24",
    inset="#22262F",
    hover="#2A2F39",
    border="#2B303B",
    strong="#434A59",
    text="#E8EAF0",
    text2="#A9B0BF",
    text3="#8A92A3",
    accent="#A3A3F7",
    accent_fill="#5B5BD6",
    accent_soft="#272848",
    accent_line="#4A4B92",
    on_accent="#FFFFFF",
    hint="#F2BD55",
    hint_dot="#E69F00",
    hint_soft="#2E2717",
    hint_line="#5A4820",
    error="#FF9466",
    error_dot="#F07B3F",
    error_soft="#34211A",
    error_line="#6B3D2A",
    good="#4CC9A4",
    good_dot="#1FB88C",
    good_soft="#15302A",
    good_line="#23584A",
    train="#56B4E9",
    validation="#F28E4B",
    learning_rate="#35C79A",
    right="#35C79A",
    wrong="#F28E4B",
    planned="#7E8797",
    series=("#35C79A", "#F28E4B", "#DE95BC", "#F0B23E", "#56B4E9"),
    grid_alpha=34,
    heat_low="#262743",
    heat_high="#B9B9FB",
    ink_low="#0D0F13",
    ink_high="#F2F3F7",
    segment="#343A46",
    segment_line="#434A59",
)

CONTRAST = Tokens(
    name="contrast",
    bg="#000000",
    surface="#000000",
    inset="#0D0D0D",
    hover="#333333",
    border="#8F8F8F",
    strong="#FFFFFF",
    text="#FFFFFF",
    text2="#F2F2F2",
    text3="#C8C8C8",
    accent="#FFE14D",
    accent_fill="#FFE14D",
    accent_soft="#3A3300",
    accent_line="#FFE14D",
    on_accent="#000000",
    hint="#FFC857",
    hint_dot="#FFC857",
    hint_soft="#1F1600",
    hint_line="#FFC857",
    error="#FFA07A",
    error_dot="#FFA07A",
    error_soft="#250D04",
    error_line="#FFA07A",
    good="#5CF0C0",
    good_dot="#5CF0C0",
    good_soft="#002117",
    good_line="#5CF0C0",
    train="#6EC6FF",
    validation="#FFA65C",
    learning_rate="#5CF0C0",
    right="#5CF0C0",
    wrong="#FFA65C",
    planned="#B8B8B8",
    series=("#5CF0C0", "#FFA65C", "#F2A7D0", "#FFE14D", "#6EC6FF"),
    grid_alpha=70,
    heat_low="#1A1A1A",
    heat_high="#FFE14D",
    ink_low="#000000",
    ink_high="#FFFFFF",
    segment="#3A3300",
    segment_line="#FFE14D",
)
