"""Writes a report as a page."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.report.page import render
from dnnstudio.report.sections import Report

SUFFIXES = (".html", ".pdf")


def require_report_place(path: Path) -> None:
    """Refuse a name or place that a report cannot be written to. Raises `UserError`."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path.name} ends in neither .html nor .pdf.", "A report is a page or a PDF; rename it.")
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} does not exist.", "Make it first, or choose another.")


def write_report(report: Report, path: Path, *, without: Collection[str] = ()) -> None:
    """Write the page, whole or not at all. Raises `UserError`."""
    write_atomically(path, render(report, without=without).encode())
