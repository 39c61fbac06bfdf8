"""The soak's figures: printed at the end, and written to the README, each file's as it was last run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.promises.figures import FOLDER, Report, reported, write_readme
from tests.promises.fixtures import figure as figure
from tests.promises.fixtures import note_failure


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    note_failure(item, report)
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    found = reported(terminalreporter.getreports("passed") + terminalreporter.getreports("failed"))
    if not found.numbers or not all("soak" in argument for argument in config.args):
        return
    terminalreporter.section("promises, at length")
    for line in found.lines(found.numbers):
        terminalreporter.write_line(line)
    if not config.option.keyword and not config.option.markexpr:
        file = FOLDER / "soak.json"
        before = Report.read(file) if file.exists() else found
        before.with_figures(found).write(file)
        write_readme()
        terminalreporter.write_line("Written to resources/promises and to the README.")
