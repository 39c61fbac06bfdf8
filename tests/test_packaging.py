"""The wheel carries everything, and the locked requirements are what pyproject.toml asks for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked_files() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without the network by the setuptools that is installed, from a copy of the tracked files."""
    names = tracked_files()
    if not names:
        pytest.skip("the wheel is built from what git tracks, and this is no checkout")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in names:
        if (ROOT / name).is_file() and name.startswith(
            ("dnnstudio/", "resources/", "pyproject", "setup.py", "README", "LICENSE")
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--wheel-dir", str(target)], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = target.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_carries_every_module_and_every_resource(wheel: zipfile.ZipFile) -> None:
    wanted = {name for name in tracked_files() if name.startswith("dnnstudio/") and (ROOT / name).is_file()}
    wanted |= {f"dnnstudio/{name}" for name in tracked_files() if name.startswith("resources/")}
    assert wanted - set(wheel.namelist()) == set()


def test_the_installed_wheel_finds_its_resources(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "from dnnstudio.cli.main import main; raise SystemExit(main(['recipes', 'digits']))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "resources" / "recipes" / "digits.json").read_text()


def test_the_wheel_starts_dnnstudio(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "dnnstudio = dnnstudio.__main__:run" in wheel.read(name).decode()


def locked(*names: str) -> dict[str, list[Requirement]]:
    """Package → its pinned versions (one a Python version or system), each checked to have a hash."""
    found: dict[str, list[Requirement]] = {}
    for name in names:
        text = (ROOT / name).read_text().replace("\\\n", " ")
        for line in text.splitlines():
            if line and not line.startswith(("#", "-r")):
                pin, *hashes = re.split(r"\s+--hash=", line)
                assert hashes, f"{pin} has no hash"
                requirement = Requirement(pin.strip())
                found.setdefault(_normal(requirement.name), []).append(requirement)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _of_extra(name: str) -> list[str]:
    """What an extra asks for, other extras of this project resolved."""
    wanted: list[str] = []
    for text in PROJECT["project"]["optional-dependencies"][name]:
        requirement = Requirement(text)
        own = requirement.name == "dnnstudio"
        wanted += [item for extra in sorted(requirement.extras) for item in _of_extra(extra)] if own else [text]
    return wanted


@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        (PROJECT["project"]["dependencies"], ["requirements.txt"]),
        (_of_extra("test"), ["requirements.txt", "requirements-test.txt"]),
    ],
    ids=["run", "test"],
)
def test_the_locked_versions_satisfy_what_the_project_asks_for(wanted: list[str], files: list[str]) -> None:
    pins = locked(*files)
    systems = [
        {"python_version": version, "python_full_version": f"{version}.4", "sys_platform": system}
        for version in ("3.11", "3.12", "3.13")
        for system in ("linux", "darwin", "win32")
    ]
    for text in wanted:
        requirement = Requirement(text)
        for system in systems:
            if requirement.marker is not None and not requirement.marker.evaluate(system):
                continue
            pin = [p for p in pins[_normal(requirement.name)] if p.marker is None or p.marker.evaluate(system)]
            (version,) = {next(iter(p.specifier)).version for p in pin}
            assert requirement.specifier.contains(version), (text, system, version)


def test_qt_is_older_than_6_12_on_python_3_11() -> None:
    """6.12 on 3.11 drops a reference to True at every signal and kills the process after some 570 of them."""
    pins = [p for p in locked("requirements.txt")["pyside6-essentials"] if p.marker is not None]
    old = [p for p in pins if p.marker.evaluate({"python_full_version": "3.11.7"})]
    assert [str(p.specifier).startswith("==6.11.") for p in old] == [True]
