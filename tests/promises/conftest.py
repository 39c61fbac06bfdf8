"""The promises' long counts: not in the default run; `make promises` prints their figures, one line a promise."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.promises.figures import FOLDER, PROMISES, Report, reported, write_readme
from tests.promises.fixtures import figure as figure
from tests.promises.fixtures import note_failure, promises_of

MODEL_FILES = Path(__file__).parents[1] / "engine" / "model_files"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation doesn't accept:DeprecationWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long counts out unless they were asked for by their mark or their folder, or by other numbers."""
    here, asked = Path(__file__).parent, chosen()
    if "promise" in config.option.markexpr or any("promises" in argument for argument in config.args):
        left = [item for item in items if asked and not asked & set(promises_of(item))]
    else:
        left = [item for item in items if here in item.path.parents]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


def chosen() -> set[int]:
    """The promises named by `PROMISES=7,8 make promises`; all where none is."""
    return {int(number) for number in os.environ.get("PROMISES", "").split(",") if number}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    note_failure(item, report)
    return report


def is_whole(config: pytest.Config) -> bool:
    """Whether nothing but the mark, and perhaps numbers of promises, chose the tests."""
    named = [argument for argument in config.args if argument not in config.getini("testpaths")]
    return config.option.markexpr == "promise" and not config.option.keyword and not named


def report_of(config: pytest.Config) -> Report:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    return reported(reporter.getreports("passed") + reporter.getreports("failed") + reporter.getreports("error"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A promise that is missed, or has no figure, fails a whole run."""
    if is_whole(session.config) and not session.config.option.collectonly:
        found = report_of(session.config)
        if not all(map(found.is_kept, chosen() or PROMISES)):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    found, file = report_of(config), FOLDER / "promises.json"
    if not found.numbers:
        return
    whole, asked = is_whole(config), chosen() or set(PROMISES)
    terminalreporter.section("promises")
    for line in found.lines(sorted(asked) if whole else found.numbers):
        terminalreporter.write_line(line)
    if whole:
        before = Report.read(file) if chosen() and file.exists() else found
        before.updated(found, asked).write(file)
        write_readme()
        terminalreporter.write_line("Written to resources/promises and to the README.")


def load(name: str) -> ModuleType:
    """A test module beside the short tests, whose tables are used again here."""
    spec = importlib.util.spec_from_file_location(f"model_files_{name}", MODEL_FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    return load("conftest")


@pytest.fixture(scope="session")
def craft(kit: ModuleType) -> Any:
    return kit.Craft()


@pytest.fixture(scope="session")
def tripwire(kit: ModuleType, craft: Any) -> Iterator[Any]:
    from dnnstudio.engine.model_files.child import answer

    for content in (craft.keras(), craft.h5(), craft.keras(craft.dense(units=0))):
        answer(content)  # whatever Python imports late, it imports now
    wire = kit.Tripwire()
    yield wire
    wire.armed = False


@pytest.fixture(scope="session")
def hostile() -> ModuleType:
    return load("test_hostile")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run with dropout and batch normalization, of five epochs on digits."""
    from tests.promises.kinds import train_digits

    folder = tmp_path_factory.mktemp("trained") / "0001 digits"
    train_digits(folder, epochs=5)
    return folder


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, bytes]]:
    """For each kind of file the bytes of two versions of the same document."""
    from tests.promises.kinds import two_versions

    return two_versions(tmp_path_factory.mktemp("versions"))
