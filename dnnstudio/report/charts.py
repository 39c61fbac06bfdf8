"""Charts as SVG of a few lines: no script, no font, no address."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from dnnstudio.core.text import figure
from dnnstudio.core.ticks import ends_of, is_drawable
from dnnstudio.report.sections import Chart

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 34
COLORS = ("#4f46d8", "#c2570c")
MOST = 400
"""So many points of a line are drawn, evenly spaced."""


def svg(chart: Chart, *, alone: bool = False) -> Markup:
    """The picture; `alone` for a file of its own, which has to name what it is."""
    every = [point for line in chart.lines for point in line.points if _is_drawn(point)]
    low_x, high_x = _range([x for x, _ in every])
    low_y, high_y = _range([y for _, y in every])

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = LEFT + (point[0] - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - (point[1] - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM), 1)

    kind = Markup(' xmlns="{}"').format("http:" + "//www.w3.org/2000/svg") if alone else Markup("")
    inner = Markup("").join([*_frame(chart, (low_x, high_x), (low_y, high_y)), *_lines(chart, place)])
    return Markup('<svg{} viewBox="0 0 {} {}" width="{}" height="{}" role="img"><title>{}</title>{}</svg>').format(
        kind, WIDTH, HEIGHT, WIDTH, HEIGHT, chart.title, inner
    )


def _is_drawn(point: tuple[float, float]) -> bool:
    return is_drawable(point[0]) and is_drawable(point[1])


def _range(values: list[float]) -> tuple[float, float]:
    """The ends of an axis; a constant is drawn in the middle of one."""
    return ends_of(min(values, default=0.0), max(values, default=1.0))


def _frame(chart: Chart, across: tuple[float, float], up: tuple[float, float]) -> Iterator[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    yield Markup('<path d="M{} {}V{}H{}" fill="none" stroke="#8b8b99"/>').format(LEFT, TOP, bottom, right)
    words = '<text x="{}" y="{}" font-size="11" font-family="sans-serif" fill="#55556a" text-anchor="{}">{}</text>'
    yield Markup(words).format(LEFT - 6, TOP + 8, "end", figure(up[1]))
    yield Markup(words).format(LEFT - 6, bottom, "end", figure(up[0]))
    yield Markup(words).format(LEFT, bottom + 14, "start", figure(across[0]))
    yield Markup(words).format(right, bottom + 14, "end", figure(across[1]))
    yield Markup(words).format((LEFT + right) // 2, bottom + 14, "middle", chart.across)
    names = " · ".join(line.name + (" (dashed)" if line.second else "") for line in chart.lines)
    yield Markup(words).format((LEFT + right) // 2, bottom + 29, "middle", names)


def _lines(chart: Chart, place: object) -> Iterator[Markup]:
    for number, line in enumerate(chart.lines):
        points = [point for point in line.points if _is_drawn(point)]
        step = max(1, -(-len(points) // MOST))
        drawn = [place(point) for point in points[::step]]  # type: ignore[operator]
        color = COLORS[number % len(COLORS)]
        if chart.dots or len(drawn) == 1:
            for x, y in drawn:
                yield Markup('<circle cx="{}" cy="{}" r="2" fill="{}" fill-opacity="0.6"/>').format(x, y, color)
            continue
        places = escape(" ".join(f"{x},{y}" for x, y in drawn))
        dashes = Markup(' stroke-dasharray="5 4"') if line.second else Markup("")
        yield Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="1.5"{}/>').format(
            places, color, dashes
        )
