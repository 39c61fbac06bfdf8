"""Which layers fit which, and the sentence where they do not."""

from __future__ import annotations

from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.edits import rename_layer
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout, Flatten
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Transfer
from dnnstudio.core.planning.compatibility import default_transfer, reuse_pairs

SOURCE = (
    Flatten(id="flatten"),
    Dense(id="h1", units=6, activation="relu"),
    BatchNormalization(id="bn"),
    Dense(id="h2", units=4, activation="relu"),
    Dense(id="output", units=8, activation="softmax"),
)
TARGET = (*SOURCE[:-1], Dense(id="answer", units=1, activation="sigmoid"))


def reusing(*reuse: tuple[str, str, str], layers: Any = TARGET) -> Experiment:
    items = tuple(Reuse(layer=layer, source=source, mode=mode) for layer, source, mode in reuse)
    return Experiment(layers=layers, transfer=Transfer(source="a", reuse=items))


def test_pairs_are_the_reused_layers_with_weights() -> None:
    pairs = reuse_pairs(
        reusing(("flatten", "flatten", "clone"), ("h1", "h1", "clone"), ("bn", "bn", "share")), (8, 8), SOURCE, (8, 8)
    )
    assert [(p.layer.layer.id, p.source.layer.id, p.mode) for p in pairs] == [
        ("h1", "h1", "clone"),
        ("bn", "bn", "share"),
    ]


@pytest.mark.parametrize(
    ("experiment", "shape", "words"),
    [
        (reusing(("h1", "h1", "clone")), (28, 28), r"reads rows of 8 × 8, but this data has 28 × 28"),
        (reusing(), (8, 8), "Nothing is reused"),
        (reusing(("flatten", "flatten", "clone")), (8, 8), "Nothing is reused"),
        (reusing(("h9", "h1", "clone")), (8, 8), 'names the layer "h9", but this network'),
        (reusing(("h1", "h9", "clone")), (8, 8), 'names the layer "h9", but the source'),
        (reusing(("h2", "h1", "clone")), (8, 8), "h2 cannot take over h1: its kernel is 6 × 4, but 64 × 6 in the"),
        (reusing(("h1", "bn", "clone")), (8, 8), r"h1 cannot take over bn: h1 \(Dense\) has kernel and bias, but bn"),
        (reusing(("h1", "flatten", "clone")), (8, 8), r"flatten \(Flatten\) has no weights"),
        (
            reusing(("other", "h1", "share"), layers=(TARGET[0], TARGET[1].replaced(id="other"), *TARGET[2:])),
            (8, 8),
            "one layer with one name, but it is other here and h1 in the source",
        ),
        (
            reusing(("h1", "h1", "share"), layers=(TARGET[0], TARGET[1].replaced(activation="elu"), *TARGET[2:])),
            (8, 8),
            "h1 is shared, but its activation is not the same in both networks",
        ),
    ],
)
def test_what_cannot_be_reused_is_said_in_a_sentence(experiment: Experiment, shape: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        reuse_pairs(experiment, shape, SOURCE, (8, 8))


def test_a_clone_may_have_other_settings_and_another_name() -> None:
    layers = (TARGET[0], Dense(id="mine", units=6, activation="elu", trainable=False), *TARGET[2:])
    (pair,) = reuse_pairs(reusing(("mine", "h1", "clone"), layers=layers), (8, 8), SOURCE, (8, 8))
    assert (pair.layer.layer.id, pair.source.layer.id) == ("mine", "h1")


def test_by_default_all_but_the_output_is_cloned_and_first_frozen() -> None:
    transfer = default_transfer(Experiment(layers=TARGET), (8, 8), "runs/0001 a", SOURCE)
    assert [(item.layer, item.source, item.mode) for item in transfer.reuse] == [
        (name, name, "clone") for name in ("h1", "bn", "h2")
    ]
    frozen = ("h1", "bn", "h2")
    assert transfer.phases == (Phase(epochs=4, frozen=frozen), Phase(epochs=16, learning_rate=0.003))
    assert transfer.source == "runs/0001 a"


@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [
        (SGD(learning_rate=0.001), (0.01, 0.003)),
        (SGD(learning_rate=0.05), (0.05, 0.015)),
        (SGD(learning_rate=0.001, momentum=0.9), (None, 0.0003)),
        (Adam(learning_rate=0.002), (None, 0.0006)),
    ],
)
def test_the_unfrozen_phase_learns_more_slowly(optimizer: Any, rates: tuple[float | None, float]) -> None:
    given = Experiment(layers=TARGET, optimizer=optimizer)
    found = [phase.learning_rate for phase in default_transfer(given, (8, 8), "a", SOURCE).phases]
    expected = (None, rates[1]) if rates[0] == optimizer.learning_rate else rates
    assert found == pytest.approx(list(expected))


def test_the_default_ends_where_the_layers_no_longer_fit() -> None:
    layers = (*TARGET[:3], Dense(id="h2", units=5), TARGET[-1])
    transfer = default_transfer(Experiment(layers=layers), (8, 8), "a", SOURCE)
    assert [item.layer for item in transfer.reuse] == ["h1", "bn"]
    with pytest.raises(UserError, match="Nothing can be reused"):
        default_transfer(Experiment(layers=(TARGET[0], Dense(id="h1", units=9), TARGET[-1])), (8, 8), "a", SOURCE)


def test_layers_without_weights_in_between_do_not_matter() -> None:
    layers = (Flatten(id="flatten"), Dropout(id="drop", rate=0.1), *TARGET[1:])
    transfer = default_transfer(Experiment(layers=layers), (8, 8), "a", SOURCE)
    assert [item.layer for item in transfer.reuse] == ["h1", "bn", "h2"]


def test_a_renamed_layer_stays_reused_frozen_and_pretrained() -> None:
    given = reusing(("h1", "h1", "clone"))
    assert given.transfer is not None
    phases = (Phase(epochs=1, frozen=("h1", "h*")),)
    given = given.replaced(transfer=given.transfer.replaced(phases=phases), pretraining=Autoencoder(until="h1"))
    after = rename_layer(given, "h1", "first")
    assert after.transfer is not None and after.pretraining is not None
    assert [(item.layer, item.source) for item in after.transfer.reuse] == [("first", "h1")]
    assert after.transfer.phases[0].frozen == ("first", "h*")
    assert after.pretraining.until == "first"
