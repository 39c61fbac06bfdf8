"""By which run a sweep says how long it takes, before one of its trials has ended."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.runs import EXPERIMENT, RunRecord, trained_on
from dnnstudio.gui.sweeps.wishes import alike_first
from dnnstudio.gui.sweeps.words import estimate_words

DIGITS = load_recipe("digits").experiment
OTHERS = {
    "layers": DIGITS.replaced(layers=DIGITS.layers[:-2] + DIGITS.layers[-1:]),
    "data": load_recipe("default_dnn").experiment,
}


def stored(folder: Path, number: int, experiment: Experiment, seconds: float) -> RunRecord:
    (place := folder / f"{number:04} run").mkdir()
    codec.save(experiment, place / EXPERIMENT)
    return RunRecord(place, number, "run", "finished", 10, 10, seconds=seconds, trained_on=trained_on(experiment))


def test_the_newest_run_of_the_same_data_and_layers_tells_how_long_it_takes(tmp_path: Path) -> None:
    records = [
        stored(tmp_path, 5, OTHERS["data"], 1000.0),
        stored(tmp_path, 4, OTHERS["layers"], 500.0),
        stored(tmp_path, 3, DIGITS, 5.0),
        stored(tmp_path, 2, DIGITS, 50.0),
    ]
    first = alike_first(records, DIGITS)
    said = estimate_words(4, 1, left=None, start=1.0, trials=(), records=first)
    assert said.endswith("with the start, if each takes as long as run 3.")
    assert alike_first(records[:2], DIGITS)[0].number == 5, "none is alike: the newest of all"
