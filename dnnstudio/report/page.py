"""The page: one HTML text that holds all it shows and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

import jinja2
from markupsafe import Markup

from dnnstudio import __version__
from dnnstudio.core.resources import resource_folder
from dnnstudio.core.text import harmless
from dnnstudio.report.charts import svg
from dnnstudio.report.sections import Chart, Report


def render(report: Report, *, without: Collection[str] = (), draw: Callable[[Chart], Markup] = svg) -> str:
    """The report as HTML without the sections named in `without`; every text is escaped. `draw` makes the charts."""
    sections = [section for section in report.sections if section.name not in without]
    return _template().render(report=report, sections=sections, draw=draw, between=Markup("<br>"), version=__version__)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_folder() / "report"),
        autoescape=True,
        finalize=lambda value: harmless(value.expandtabs(4)) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
