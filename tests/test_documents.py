"""The documents for newcomers name files that are there, and answer what a newcomer asks first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dnnstudio.core.export.formats import EXPORTERS

from .import_walk import PACKAGE, ROOT

DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_module_and_folder_that_the_architecture_names_is_there() -> None:
    named = set(re.findall(r"`((?:core|engine|runner|gui|cli|standalone|tests)/[\w./]*)`", ARCHITECTURE))
    assert len(named) > 40
    gone = []
    for name in sorted(named):
        base = ROOT if name.startswith("tests/") else PACKAGE
        if not (base / name).exists() and not (base / f"{name}.py").exists():
            gone.append(name)
    assert gone == []


@pytest.mark.parametrize(
    ("question", "file"),
    [
        ("where a stop request is answered", "engine/training/trainer.py"),
        ("where a CSV cell is judged", "engine/data/tables/csv.py"),
        ("where mutual information is computed", "core/uncertainty/scores.py"),
        ("where a dropout mask is drawn", "engine/backend/noise.py"),
    ],
)
def test_a_newcomer_finds_the_file(question: str, file: str) -> None:
    (line,) = [line for line in ARCHITECTURE.splitlines() if f"**{question}**" in line]
    assert f"`{file}`" in line


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_of_a_document_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (Path(ROOT) / link).exists()] == []


def test_the_readme_names_every_format_of_the_command_export() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith("| `dnnstudio export ")]
    named = re.findall(r"`(\w+)`", row)
    assert named == [one.name for one in EXPORTERS.values() if one.on_command_line]


def test_the_readme_links_both() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(ARCHITECTURE.md)" in text
    assert "(CONTRIBUTING.md)" in text
