"""The window's own files, as the program writes them, and what reads each: unsaved work and settings."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.gui.base.autosave_files import SUFFIX, find_unsaved, keep
from dnnstudio.gui.base.settings import Settings
from tests.core.workspace.test_fuzzed_readers import mutated

UNSAVED, SETTINGS = f"1-1{SUFFIX}", "settings.json"


def read_settings(folder: Path) -> None:
    """Every setting, of the kind that it says it is."""
    settings = Settings(folder)
    assert settings.theme in ("light", "dark", "system")
    paths = [settings.workspace, *settings.recent_files, *settings.recent_data, *settings.library_files]
    assert all(isinstance(path, Path) for path in (*paths, *settings.added_runs))
    assert settings.last_folder is None or settings.last_folder.is_dir()
    settings.geometry.size()


def read_unsaved(folder: Path) -> None:
    """What is found of unsaved work is an experiment that can be shown and written, beside one that is whole."""
    found = find_unsaved(folder)
    assert "whole" in {item.experiment.name for item in found}
    for item in found:
        codec.to_json(item.experiment)
        time.localtime(item.when)


READERS: dict[str, Callable[[Path], None]] = {UNSAVED: read_unsaved, SETTINGS: read_settings}


def write_files(folder: Path) -> None:
    """Settings and unsaved work as the program writes them, and other unsaved work that stays whole."""
    experiment = load_recipe("digits").experiment
    settings = Settings(folder)
    settings.theme, settings.workspace = "dark", folder
    settings.add_recent_file(folder / "mine.json")
    settings.add_recent_data(folder / "table.csv")
    settings.change_library_files(lambda _: [folder / "a.keras"])
    settings.change_added_runs(lambda _: [folder / "0001 A"])
    settings.last_folder = folder
    keep(folder / UNSAVED, experiment, folder / "mine.json", tries=1)
    keep(folder / f"2-1{SUFFIX}", experiment.replaced(name="whole"), None)


def fuzz(folder: Path, name: str, cases: int) -> tuple[int, float]:
    """Read so many mutated versions: how many were read without a bug, and the slowest in seconds."""
    path, chance, slowest, read = folder / name, random.Random(name), 0.0, 0
    whole = path.read_bytes()
    for _ in range(cases):
        path.write_bytes(mutated(whole, chance))
        started = time.thread_time()
        READERS[name](folder)
        slowest = max(slowest, time.thread_time() - started)
        read += 1
    path.write_bytes(whole)
    return read, slowest
