"""A new optimizer or layer is one file more: the program with that file, and no other change, knows it everywhere.

The program is copied, the file is put beside the others, and what a person meets is asked in a fresh interpreter that
runs the copy: form, menu, file, schema, checks, summary, network, training, sampling, script and command line.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(900)  # three fresh interpreters, one of which imports TensorFlow and trains twice
PACKAGE = Path(__file__).resolve().parent.parent / "dnnstudio"

ADAFACTOR = """
from typing import Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.optimizers.base import Optimizer


class Adafactor(Optimizer):
    kind: Literal["adafactor"] = "adafactor"
    label = "Adafactor"
    keras_class = "Adafactor"
    highest_rate = 0.5
    keeps_zero = False
    help = "Adam with next to no memory (Shazeer and Stern, 2018)."
    clip_threshold: float = option(1.0, title="Clip threshold", help="The largest root mean square of a step.", gt=0)
    epsilon_1: float = option(1e-30, title="Epsilon", help="Keeps the step finite.", ge=0, advanced=True)

    def slots(self) -> int:
        return 1
"""
SPATIAL_DROPOUT = """
from typing import Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import Shape, ShapeError
from dnnstudio.core.experiment.layers.regularization import DropoutLayer, NoiseForm


class SpatialDropout1D(DropoutLayer):
    kind: Literal["spatial_dropout1d"] = "spatial_dropout1d"
    label = "Spatial dropout 1D"
    keras_class = "SpatialDropout1D"
    monte_carlo_class = "MCSpatialDropout1D"
    noise = NoiseForm.DROPOUT
    shared_axes = (0,)
    keeps_selu = False
    wants_images = False
    passes_zero = True
    compiled = True
    help = "Switches whole channels off."
    rate: float = option(title="Rate", help="The share of channels.", initial=0.2, ge=0, lt=1)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise ShapeError(f"{self.id} needs tables.")
        return shape
"""


@pytest.fixture(scope="module")
def additions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program and the two files more."""
    folder = tmp_path_factory.mktemp("additions")
    shutil.copytree(PACKAGE, folder / "dnnstudio")
    experiment = folder / "dnnstudio" / "core" / "experiment"
    (experiment / "optimizers" / "adafactor.py").write_text(ADAFACTOR, encoding="utf-8")
    (experiment / "layers" / "channels.py").write_text(SPATIAL_DROPOUT, encoding="utf-8")
    return folder


def asked(additions: Path, question: str, *arguments: str) -> Any:
    """What `question`, a function of this module, answers in an interpreter that runs the copy."""
    environment = os.environ | {"PYTHONPATH": str(additions), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, __file__, question, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=800, cwd=additions)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def command(*words: str) -> tuple[int, str]:
    """The exit code of a command of the program, and what it printed."""
    from dnnstudio.cli.main import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main(words)
    return code, printed.getvalue()


# ----------------------------------------------------------------------------------------- asked of the copy


def window() -> dict[str, Any]:
    """What the optimizer's panel, the layer's form and the menu of layers show."""
    from PySide6.QtWidgets import QApplication

    from dnnstudio.core.experiment.edits import add_layer, new_layer
    from dnnstudio.core.experiment.layers import LAYER_KINDS
    from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.gui.base.document import Document
    from dnnstudio.gui.forms.spec import specs_of
    from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
    from dnnstudio.gui.stack.add_menu import KIND_ROLE, AddMenu
    from dnnstudio.gui.theme import Theme

    app = QApplication([])
    theme = Theme(app)
    document = Document(Experiment())
    panel = OptimizerPanel(document, theme)
    panel.form.edited.emit("", OPTIMIZER_KINDS["adafactor"].new())
    menu = AddMenu(theme)
    menu.search.setText("spatial dropout 1D")
    rows = [menu.kinds.item(row).data(KIND_ROLE) for row in range(menu.kinds.count())]
    return {
        "chosen": document.experiment.optimizer.kind,
        "paths": list(panel.form.paths()),
        "menu": [kind.label for kind in rows if kind is not None],
        "layer form": [spec.title for spec in specs_of(LAYER_KINDS["spatial_dropout1d"])],
        "id": add_layer(Experiment(), new_layer(Experiment(), "spatial_dropout1d")).layers[0].id,
    }


def file(*paths: str) -> dict[str, Any]:
    """What the file, its schema, the checks and the summary say of each experiment."""
    return {Path(path).stem: _of_file(path) for path in paths}


def _of_file(path: str) -> dict[str, Any]:
    from dnnstudio.core.experiment.codec import load, to_json
    from dnnstudio.core.experiment.summary_table import summary_table

    experiment = load(Path(path))
    return {
        "written": json.loads(to_json(experiment)),
        "schema": list(json.loads(command("schema")[1])["$defs"]),
        "check": command("check", path),
        "summary": command("summary", path),
        "training bytes": summary_table(experiment, (8, 8)).training_bytes,
    }


def training(*paths: str) -> dict[str, Any]:
    """What the command line makes of each experiment and what Keras is handed; and the layer's channels."""
    return {Path(path).stem: _of_training(path, path.removesuffix(".json")) for path in paths} | {
        "channels": _drawn_channels()
    }


def _of_training(path: str, out: str) -> dict[str, Any]:
    from dnnstudio.core.experiment.codec import load
    from dnnstudio.engine.backend.builder import build, to_keras
    from dnnstudio.engine.model_files import read_model
    from dnnstudio.engine.training.compiled.reasons import why_not

    experiment = load(Path(path))
    model = build(experiment, (8, 8))
    ran = command("run", path, "--out", out)
    exported = command("export", path, "--out", f"{out}.py")
    network = command("export", out, "--to", "keras", "--out", f"{out}.keras")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(Path(out).parent):
        space = runpy.run_path(f"{out}.py")
    return {
        "classes": [type(layer).__name__ for layer in model.layers],
        "optimizer": type(to_keras(experiment.optimizer)).__name__,
        "why not compiled": why_not(model),
        "ran": ran,
        "exported": exported,
        "network": network,
        "read back": [layer.kind for layer in read_model(Path(f"{out}.keras")).layers],
        "of the script": [type(space["model"].optimizer).__name__, *(type(x).__name__ for x in space["model"].layers)],
    }


def _drawn_channels() -> dict[str, Any]:
    """What the sampler and the compiled steps make of images of ones with a dropout of 0.5 on them."""
    import numpy as np

    from dnnstudio.core.experiment.layers import LAYER_KINDS, Flatten
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.engine.backend.builder import build
    from dnnstudio.engine.backend.runtime import tf
    from dnnstudio.engine.sampling.mc_dropout import Sampler
    from dnnstudio.engine.training.compiled.noise import NoiseStream

    layers = (LAYER_KINDS["spatial_dropout1d"].new(id="drop", rate=0.5), Flatten(id="flat"))
    model = build(Experiment(layers=layers), (16, 6))
    ones = np.ones((50, 16, 6), np.float32)
    passes = np.stack(list(Sampler(model).passes(ones, 0, 2, seed=1))).reshape(2 * 50, 16, 6)
    stream = NoiseStream(model.layers[0], ones.shape, index=0)
    steps = np.stack([np.asarray(stream.apply(tf.constant(ones), one)) for one in stream.draw(2, stream.state.value)])
    return {
        name: {
            "values": sorted(set(drawn.ravel().tolist())),
            "alike in a channel": bool((drawn == drawn[:, :1]).all()),
            "kept": float(drawn[:, 0].mean() / 2),
            "pictures": len({row.tobytes() for row in drawn[:, 0].astype(np.int8)}),
        }
        for name, drawn in (("sampled", passes), ("compiled steps", steps.reshape(2 * 50, 16, 6)))
    }


# ------------------------------------------------------------------------------------------------- the tests

DENSE: Sequence[dict[str, Any]] = (
    {"kind": "flatten", "id": "flat"},
    {"kind": "dense", "id": "hidden", "units": 20, "activation": "relu"},
    {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
)
TABLES: Sequence[dict[str, Any]] = (
    {"kind": "dense", "id": "patterns", "units": 4, "activation": "tanh"},
    {"kind": "spatial_dropout1d", "id": "drop", "rate": 0.25},
    {"kind": "flatten", "id": "flat"},
    {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
)
FAST = {"kind": "adafactor", "learning_rate": 0.75, "clip_threshold": 2.0}
SELU = {"activation": "selu", "kernel_initializer": {"kind": "lecun_normal"}}


def network(layers: Sequence[dict[str, Any]] = DENSE, **fields: Any) -> dict[str, Any]:
    """An experiment file on the digits, for one epoch."""
    start = {"format": 1, "name": "additions", "data": {"source": {"kind": "digits"}}, "training": {"epochs": 1}}
    return start | {"layers": list(layers)} | fields


FILES = {
    "optimizer": network(optimizer=FAST),
    "sgd": network(optimizer={"kind": "sgd"}),
    "layer": network(TABLES),
    "selu": network((TABLES[0] | SELU, *TABLES[1:])),
    "at the end": network((TABLES[0], *TABLES[2:], TABLES[1])),
    "flat": network((TABLES[2], TABLES[1], TABLES[3])),
}


@pytest.fixture(scope="module")
def files(additions: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `file` answers for each of `FILES`."""
    return asked(additions, "file", *saved(tmp_path_factory.mktemp("files"), FILES))


@pytest.fixture(scope="module")
def trainings(additions: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `training` answers for an experiment with the optimizer and one with the layer, and the sampler's draws."""
    # Pixels that are always black have no gradient, which Adafactor divides by the root of its own square.
    tame = {"kind": "adafactor", "learning_rate": 0.05, "epsilon_1": 1e-6}
    on = [layer | ({"monte_carlo": True} if layer["id"] == "drop" else {}) for layer in TABLES]
    given = {"optimizer": network(optimizer=tame), "layer": network(on)}
    return asked(additions, "training", *saved(tmp_path_factory.mktemp("runs"), given))


def saved(folder: Path, plain: dict[str, dict[str, Any]]) -> list[str]:
    """The paths of the experiment files, called by their keys."""
    for name, experiment in plain.items():
        (folder / f"{name}.json").write_text(json.dumps(experiment), encoding="utf-8")
    return [str(folder / f"{name}.json") for name in plain]


def test_both_are_found_in_form_and_menu(additions: Path) -> None:
    shown = asked(additions, "window")
    assert shown["chosen"] == "adafactor"
    assert {"learning_rate", "clip_threshold"} <= set(shown["paths"])
    assert shown["menu"] == ["Spatial dropout 1D"]
    assert {"Name", "Rate", "Monte Carlo", "Seed"} <= set(shown["layer form"])
    assert shown["id"] == "spatial_dropout1d_1"


def test_the_optimizer_is_known_to_file_schema_checks_and_summary(files: Any) -> None:
    said = files["optimizer"]
    assert said["written"]["optimizer"] == FAST
    assert "Adafactor" in said["schema"]
    code, text = said["check"]
    assert code == 0
    assert "A learning rate of 0.75 is very high for Adafactor." in text
    weights = (64 * 20 + 20 + 20 * 10 + 10) * 4
    assert said["training bytes"] - files["sgd"]["training bytes"] == weights, "one array more for each weight"


def test_the_layer_is_known_to_file_schema_checks_and_summary(files: Any) -> None:
    said = files["layer"]
    assert said["written"]["layers"][1]["kind"] == "spatial_dropout1d"
    assert "SpatialDropout1D" in said["schema"]
    assert said["check"] == [0, "additions: nothing wrong.\n"]
    assert "Spatial dropout 1D" in said["summary"][1]


def test_the_checks_judge_the_layer_by_what_it_says_of_itself(files: Any) -> None:
    assert "SELU with plain dropout: drop." in files["selu"]["check"][1]
    assert "drop drops whole answers" in files["at the end"]["check"][1]
    code, text = files["flat"]["check"]
    assert code == 1
    assert "drop needs tables" in text
    assert "Fix: Remove the layer." in text


def test_the_optimizer_trains_and_is_written_into_the_script(trainings: Any) -> None:
    said = trainings["optimizer"]
    assert said["optimizer"] == "Adafactor"
    for verb in ("ran", "exported", "network"):
        assert said[verb][0] == 0, said[verb][1]
    assert said["why not compiled"] == ""
    assert said["of the script"] == ["Adafactor", "Flatten", "Dense", "Dense"]


def test_the_layer_is_built_trained_saved_and_written_into_the_script(trainings: Any) -> None:
    said = trainings["layer"]
    built = ["Dense", "MCSpatialDropout1D", "Flatten", "Dense"]
    assert said["classes"] == built
    for verb in ("ran", "exported", "network"):
        assert said[verb][0] == 0, said[verb][1]
    assert said["read back"] == [layer["kind"] for layer in TABLES]
    assert said["of the script"] == ["SGD", *built]
    assert said["why not compiled"] == ""


def test_whole_channels_are_dropped_wherever_the_program_draws_by_itself(trainings: Any) -> None:
    for where in ("sampled", "compiled steps"):
        found = trainings["channels"][where]
        assert found["values"] == [0.0, 2.0]
        assert found["alike in a channel"]
        assert found["kept"] == pytest.approx(0.5, abs=0.1)
        assert found["pictures"] > 30, "each row has a mask of its own"


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
