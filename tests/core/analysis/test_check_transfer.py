"""What the checks say of transfers, phases and pretraining before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import OneCycle
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Rotation, Transfer

BASE = Experiment(
    data=Data(source=Digits()),
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=6, activation="relu"),
        BatchNormalization(id="bn"),
        Dense(id="output", units=10, activation="softmax"),
    ),
)
REUSE = (Reuse(layer="h1", source="x"),)


def codes(given: Experiment) -> dict[str, str]:
    before = {problem.code for problem in find_problems(BASE)}
    return {item.code: item.severity for item in find_problems(given) if item.code not in before}


def transfer(**fields: Any) -> Experiment:
    return BASE.replaced(transfer=Transfer(**({"source": "a", "reuse": REUSE} | fields)))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (transfer(), {}),
        (transfer(phases=(Phase(epochs=1, frozen=("h*",)), Phase(epochs=1))), {}),
        (transfer(source=" "), {"no_source": "error"}),
        (transfer(reuse=()), {"nothing_reused": "error"}),
        (transfer(reuse=(*REUSE, Reuse(layer="h9", source="x"))), {"unknown_reuse": "error"}),
        (transfer(phases=(Phase(epochs=1, frozen=("dense_*",)),)), {"unknown_frozen": "error"}),
        (transfer(phases=(Phase(epochs=1, frozen=("*",)),)), {"phase_frozen": "error"}),
        (transfer(phases=(Phase(epochs=1, frozen=("bn",)),)), {"frozen_normalization": "hint"}),
        (
            transfer(phases=(Phase(epochs=1, learning_rate=0.1),)).replaced(schedule=OneCycle()),
            {"phase_rate": "warning"},
        ),
        (BASE.replaced(pretraining=Autoencoder(until="h1")), {}),
        (BASE.replaced(pretraining=Rotation(until="bn")), {}),
        (BASE.replaced(pretraining=Autoencoder(until="h9")), {"pretraining": "error"}),
        (BASE.replaced(pretraining=Rotation(until="flatten")), {"pretraining": "error"}),
    ],
)
def test_what_is_wrong_is_found(given: Experiment, expected: dict[str, str]) -> None:
    assert codes(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        transfer(source=""),
        transfer(reuse=()),
        transfer(reuse=(*REUSE, Reuse(layer="h9", source="x"))),
        transfer(reuse=(Reuse(layer="h9", source="x"),)),
        transfer(phases=(Phase(epochs=1, learning_rate=0.1),)).replaced(schedule=OneCycle()),
    ],
)
def test_every_fix_mends_what_it_is_for(given: Experiment) -> None:
    fixes = [(item.code, item.fix) for item in find_problems(given) if item.code in codes(given) and item.fix]
    assert fixes
    for code, fix in fixes:
        assert code not in codes(fix.apply(given))


def test_what_a_pretraining_puts_on_top_is_not_judged_as_an_answer() -> None:
    from dnnstudio.core.planning.pretraining import pretraining_experiment

    for rule in (Autoencoder(until="h1"), Rotation(until="h1")):
        derived = pretraining_experiment(BASE.replaced(pretraining=rule), (8, 8))
        assert all(problem.severity != "error" for problem in find_problems(derived))
