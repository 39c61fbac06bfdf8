"""What the window has of new cases is what the inspector has of the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.cases import AnswerCases, Answering, AnswersCame, DescribeNetwork
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Job, SampleModel, TrainRun
from dnnstudio.engine.session import Session
from dnnstudio.gui.predict.cases import Cases

SIDE, CLASSES = 6, 3


def as_pictures(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)


def test_of_one_answer_predict_and_inspector_have_the_same_scores(tmp_path: Path) -> None:
    """Of a network without dropout: what the window has of new cases is what the Decision tab has of the same rows."""
    session, events = Session(), list[Any]()

    def ask(job: Job) -> Any:
        return session.run(job, Control(), events.append)

    x = as_pictures(90, 5)
    np.savez(
        tmp_path / "both.npz",
        x_train=as_pictures(120, 6),
        y_train=np.arange(120) % CLASSES,
        x_test=x,
        y_test=np.arange(90) % CLASSES,
    )
    np.savez(tmp_path / "new.npz", x=x)
    output = Dense(id="out", units=CLASSES, activation="softmax")
    experiment = Experiment(
        data=Data(source=Npz(path=str(tmp_path / "both.npz"))),
        layers=(Flatten(id="flat"), Dense(id="hidden", units=8, activation="relu"), output),
        training=Training(epochs=1, batch_size=40),
    )
    ask(TrainRun(experiment=experiment, folder=tmp_path / "run"))
    samples = ask(SampleModel(model=tmp_path / "run", experiment=experiment))
    assert len(samples.rows) == 90
    by = Answering(model=tmp_path / "run")
    ask(AnswerCases(by=by, inputs=(tmp_path / "new.npz",)))
    cases = Cases()
    cases.clear(ask(DescribeNetwork(by=by)), passes=False)
    for event in events:
        if isinstance(event, AnswersCame):
            cases.add(event.rows)
    assert len(cases) == 90
    told = [score.name for score in samples.telling_scores if cases.can_tell(score.name)]
    assert sorted(told) == ["margin", "max_probability", "predictive_entropy"]
    for name in told:
        cases.score = name
        assert cases.uncertainties is not None
        np.testing.assert_allclose(cases.uncertainties, samples.scores.uncertainty(name), rtol=0, atol=1e-6)
