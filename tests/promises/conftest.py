"""The promises' long counts: not in the default run; `make promises` prints their figures."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

MODEL_FILES = Path(__file__).parents[1] / "engine" / "model_files"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise: keeps one of the promises of reliability (`make promises`)")
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation doesn't accept:DeprecationWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long counts out unless they were asked for by their mark or their folder."""
    here = Path(__file__).parent
    if "promise" in config.option.markexpr or any("promises" in argument for argument in config.args):
        return
    long = [item for item in items if here in item.path.parents]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


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
def craft() -> Any:
    return load("conftest").Craft()


@pytest.fixture(scope="session")
def hostile() -> ModuleType:
    return load("test_hostile")


@pytest.fixture(scope="session")
def saved() -> dict[str, tuple[bytes, bytes]]:
    """For each kind of file the bytes of two versions of the same document."""
    import keras

    from dnnstudio.core.experiment.codec import to_json
    from dnnstudio.core.experiment.layers import Dense
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.engine.model_files.writing import model_bytes

    files: dict[str, list[bytes]] = {}
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        layers = [keras.layers.Dense(300, name="a", activation="elu"), keras.layers.Dense(10, name="b")]
        model = keras.Sequential([keras.Input((784,)), *layers])
        experiment = Experiment(seed=seed, layers=(Dense(id="a", units=300, activation="elu"), Dense(id="b", units=10)))
        for suffix in (".keras", ".h5", ".weights.h5"):
            content = model_bytes(model, suffix, experiment=experiment, input_shape=(784,))
            files.setdefault(suffix, []).append(content)
        files.setdefault(".json", []).append(to_json(experiment).encode())
    return {suffix: (versions[0], versions[1]) for suffix, versions in files.items()}
