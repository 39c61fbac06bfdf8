"""The colours that a person gives to runs, as tokens of the theme."""

from __future__ import annotations

from dnnstudio.core.workspace.remarks import Color

COLOR_TOKENS: dict[Color, str] = {
    "green": "series_0",
    "orange": "series_1",
    "purple": "series_2",
    "amber": "series_3",
    "blue": "series_4",
}
