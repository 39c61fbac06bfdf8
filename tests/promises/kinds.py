"""Files of each kind that the program writes, of two versions: what kills, flips and full disks are tried on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dnnstudio.core.experiment import codec, edits
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout, Flatten
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.bundles import WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.core.workspace.answers import Answers, save_answers

LAYERS = (
    Flatten(id="flat"),
    BatchNormalization(id="norm"),
    Dense(id="hidden", units=30, activation="relu"),
    Dropout(id="drop", rate=0.3),
    Dense(id="out", units=10, activation="softmax"),
)


def digits(*, epochs: int = 5, seed: int = 42) -> Experiment:
    """A small network with a dropout and a batch normalization on scikit-learn's digits."""
    experiment = load_recipe("digits").experiment.replaced(layers=LAYERS, seed=seed, name="Digits")
    return edits.set_value(experiment, "training.epochs", epochs)


def train_digits(folder: Path, *, epochs: int = 5, seed: int = 42) -> None:
    """Train it into `folder` by the engine's session."""
    from dnnstudio.engine.session import Session

    wanted = TrainRun(experiment=digits(epochs=epochs, seed=seed), folder=folder)
    Session().run(wanted, Control(), lambda event: None)


def two_versions(folder: Path) -> dict[str, tuple[bytes, bytes]]:
    """For each kind of file, named by its suffix, the bytes of two versions of the same document."""
    import keras

    from dnnstudio.engine.exporting.bundle import write_bundle
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
        files.setdefault(".json", []).append(codec.to_json(experiment).encode())
        run = folder / f"000{seed} run"
        train_digits(run, epochs=2, seed=seed)
        files.setdefault("state.npz", []).append((run / "checkpoint" / "state.npz").read_bytes())
        write_bundle(WriteBundle(model=run, path=folder / f"{seed}.dnnstudio"), Control())
        files.setdefault(".dnnstudio", []).append((folder / f"{seed}.dnnstudio").read_bytes())
        numbers = np.random.default_rng(seed).normal(size=200)
        save_answers(run, {"test": Answers(numbers, numbers + 1)})
        files.setdefault("answers.npz", []).append((run / "answers.npz").read_bytes())
    return {suffix: (versions[0], versions[1]) for suffix, versions in files.items()}
