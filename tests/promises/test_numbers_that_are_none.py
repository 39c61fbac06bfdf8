"""P10: a number that is none is refused when it is read, or ends the training with the last good weights."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import Csv, Data, Npz
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from tests.promises.kinds import digits

pytestmark = [pytest.mark.promise(10), pytest.mark.timeout(900)]
PLACES = 60
NONE = (float("nan"), float("inf"), float("-inf"))


def test_p10_one_value_that_is_none_is_refused_wherever_it_is(tmp_path: Path, figure: Any) -> None:
    """In arrays and in tables, as a feature and as a target, anywhere among 4,000 values."""
    from dnnstudio.engine.data import forget, load_dataset

    chance, refused, tried = random.Random(10), 0, 0
    rows = np.random.default_rng(1).normal(size=(400, 10)).astype(np.float32)
    labels = np.arange(400) % 3
    for number in range(PLACES):
        bad = NONE[number % 3]
        row, column = chance.randrange(400), chance.randrange(10)
        spoilt = rows.copy()
        spoilt[row, column] = bad
        np.savez(tmp_path / "rows.npz", x=spoilt, y=labels)
        lines = [",".join([*(f"c{place}" for place in range(10)), "label"])]
        lines += [",".join([*map(str, one), str(label)]) for one, label in zip(spoilt, labels, strict=True)]
        (tmp_path / "rows.csv").write_text("\n".join(lines))
        for source in (
            Npz(path=str(tmp_path / "rows.npz")),
            Csv(path=str(tmp_path / "rows.csv"), label_column="label"),
        ):
            forget()
            tried += 1
            try:
                load_dataset(Data(source=source), seed=1)
            except UserError as error:
                refused += 10 < len(str(error)) <= 400
    figure(10, "single values that are none refused", refused, of=tried)
    assert refused == tried


@pytest.mark.parametrize("rate", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("activation", ["relu", "elu", "linear"])
def test_p10_a_training_that_diverges_keeps_finite_weights(
    rate: float, activation: str, tmp_path: Path, figure: Any
) -> None:
    from dnnstudio.engine.model_files import read_model
    from dnnstudio.engine.session import Session

    wanted = edits.set_value(digits(epochs=4), "optimizer", {"kind": "sgd", "learning_rate": rate})
    wanted = edits.change_layers(wanted, ["hidden"], activation=activation)
    told = Session().run(TrainRun(experiment=wanted, folder=tmp_path / "run"), Control(), lambda event: None)
    arrays = [array for found in read_model(tmp_path / "run" / "model.keras").arrays.values() for array in found]
    finite = all(np.isfinite(array).all() for array in arrays)
    figure(10, "trainings with a rate without sense kept finite weights", finite, of=1)
    assert finite
    assert told.reason in ("diverged", "finished")
