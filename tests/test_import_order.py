"""Who may import whom: the layers of the program, without exceptions, and no circle of modules.

An import counts wherever it stands: at the top of a file, inside a function, or under TYPE_CHECKING. ARCHITECTURE.md
says what each layer is for.
"""

from __future__ import annotations

import pytest

from .import_walk import a_circle, modules, own_imports

PROGRAM = (
    ("standalone", "resources"),
    ("core",),
    ("report",),
    ("engine",),
    ("runner",),
    ("gui",),
    ("app",),
    ("cli",),
    ("__main__",),
)
CORE = (
    ("errors", "os_errors", "processes", "resources", "text", "ticks", "versions"),
    (
        "atomic_files",
        "bounded_json",
        "checksums",
        "file_turns",
        "folder_lock",
        "stored_arrays",
        "temporary",
        "threads",
        "uncertainty",
    ),
    ("experiment",),
    ("planning",),
    ("workspace",),
    ("analysis", "export", "study"),
    ("jobs",),
)
ENGINE = (
    ("backend", "data", "model_files"),
    ("training",),
    ("reuse", "sampling"),
    ("predicting",),
    ("exporting",),
    ("data_jobs",),
    ("schedules", "session"),
)
GUI = (
    ("theme",),
    ("widgets", "base"),
    ("forms",),
    (
        "comparison",
        "data",
        "dialogs",
        "exporting",
        "library",
        "panels",
        "plots",
        "predict",
        "pretraining",
        "repeats",
        "run_table",
        "runs",
        "stack",
        "sweeps",
        "transfer",
        "uncertainty",
    ),
    ("help",),
    ("shell",),
)

LAYERS = {"dnnstudio": PROGRAM, "dnnstudio.core": CORE, "dnnstudio.engine": ENGINE, "dnnstudio.gui": GUI}
"""Package → its parts from the lowest layer up. A part imports from its own layer and from those before it."""


def part_of(module: str, package: str) -> str:
    """The module's part in `package`: `analysis` of dnnstudio.core.analysis.checks in dnnstudio.core; empty outside."""
    return module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else ""


def layer_of(part: str, package: str) -> int:
    found = [height for height, parts in enumerate(LAYERS[package]) if part in parts]
    assert found, f"{package}.{part} has no layer: give it one in LAYERS, and say in ARCHITECTURE.md what it is for."
    return found[0]


@pytest.mark.parametrize("package", LAYERS)
def test_every_part_has_a_layer(package: str) -> None:
    for part in {part_of(module, package) for module in modules()} - {""}:
        layer_of(part, package)


@pytest.mark.parametrize("package", LAYERS)
def test_no_import_climbs(package: str) -> None:
    wrong = []
    for importer, imported, item in own_imports():
        below, above = part_of(importer, package), part_of(imported, package)
        if below and above and layer_of(above, package) > layer_of(below, package):
            wrong.append(item.place)
    assert wrong == []


@pytest.mark.parametrize("package", LAYERS)
def test_parts_of_one_layer_import_in_one_direction(package: str) -> None:
    """Two neighbours may know each other, but not both: then they would be one."""
    edges: dict[str, set[str]] = {}
    for importer, imported, _ in own_imports():
        one, other = part_of(importer, package), part_of(imported, package)
        if one and other and one != other:
            edges.setdefault(one, set()).add(other)
    assert a_circle(edges) == []


def test_no_modules_import_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for importer, imported, _ in own_imports():
        if importer != imported:
            edges.setdefault(importer, set()).add(imported)
    assert a_circle(edges) == []


def test_a_command_imports_no_other_command() -> None:
    """Commands share cli/common and the printing modules; only cli/main knows them all."""
    commands = {name for name in modules() if part_of(name, "dnnstudio.cli") not in ("", "common", "printing")}
    wrong = [
        item.place
        for importer, imported, item in own_imports()
        if part_of(importer, "dnnstudio.cli") not in ("", "main") and imported in commands and imported != importer
    ]
    assert wrong == []


def test_the_walk_finds_a_circle() -> None:
    assert a_circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    circle = a_circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert circle[0] == circle[-1]
    assert set(circle) == {"a", "b", "c"}
