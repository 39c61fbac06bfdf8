"""Every way of opening something: what of the experiment before is kept, and what belonged to it and is dropped."""

from __future__ import annotations

import pytest

from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import Power
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Transfer
from dnnstudio.core.planning.opening import KEPT, Opening, opened

BEFORE = Experiment(
    name="Before",
    seed=7,
    data=Data(source=Digits(), scaling="standardize"),
    layers=(Dense(id="hidden", units=4), Dense(id="output", units=10)),
    loss="mean_squared_error",
    optimizer=Adam(),
    schedule=Power(),
    training=Training(epochs=3),
    rate_changes=(RateChange(at=4, factor=0.5),),
    transfer=Transfer(source="runs/0001", reuse=(Reuse(layer="hidden", source="hidden"),), phases=(Phase(epochs=2),)),
    pretraining=Autoencoder(until="hidden"),
)
GIVEN = Experiment(name="Given", layers=(Dense(id="hidden", units=5), Dense(id="output", units=2)))
ALL = {name for name in Experiment.model_fields if name != "format"}
SETTINGS = {"seed", "data", "optimizer", "schedule", "training"}
EXPECTED = {
    Opening.EXPERIMENT: set(),
    Opening.RECIPE: set(),
    Opening.MODEL: set(),
    Opening.NETWORK: SETTINGS,
    Opening.DATA: ALL - {"data", "rate_changes"},
    Opening.DATA_FOLLOWED: ALL - {"data", "layers", "loss", "rate_changes"},
    Opening.DATA_WITH_NETWORK: set(),
}


def test_every_way_of_opening_has_its_row() -> None:
    assert set(KEPT) == set(Opening) == set(EXPECTED)


@pytest.mark.parametrize("kind", Opening)
def test_each_field_is_kept_or_dropped(kind: Opening) -> None:
    after = opened(BEFORE, GIVEN, kind)
    for name in ALL:
        source = BEFORE if name in EXPECTED[kind] else GIVEN
        assert getattr(after, name) == getattr(source, name), name


@pytest.mark.parametrize("kind", [kind for kind in Opening if kind not in (Opening.DATA, Opening.DATA_FOLLOWED)])
def test_nothing_trains_another_run_s_layers_over_those_just_opened(kind: Opening) -> None:
    after = opened(BEFORE, GIVEN, kind)
    assert (after.transfer, after.pretraining, after.rate_changes, after.loss) == (None, None, (), "auto")
