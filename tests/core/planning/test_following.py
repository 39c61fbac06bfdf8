"""A network that follows other data: what stays, what changes, and what cannot."""

from __future__ import annotations

import pytest

from dnnstudio.core.experiment.data import Column, Data, DataSummary, Table
from dnnstudio.core.experiment.layers import Conv2D, Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.following import data_name, keeping_layers, layer_lines
from dnnstudio.core.planning.network_for import network_for

THREE = DataSummary((4,), ("a", "b", "c"), False, (80, 20, 25), (30, 30, 20))
NUMBER = DataSummary((4,), (), False, (80, 20, 25))
TABLE = Data(source=Table(path="t.csv"), scaling="standardize")
MINE = Experiment(
    name="mine",
    layers=(
        Dense(id="first", units=7, activation="tanh"),
        Dropout(id="drop", rate=0.3),
        Dense(id="out", units=10, activation="softmax"),
    ),
)


def test_only_the_output_follows_and_all_else_stays() -> None:
    proposed = network_for(TABLE, THREE, name="t")
    found = keeping_layers(MINE, proposed, THREE)
    assert found is not None
    assert found.layers[:2] == MINE.layers[:2]
    assert found.layers[2] == MINE.layers[2].replaced(units=3)
    assert found.data == proposed.data
    assert (found.name, found.optimizer, found.training) == (MINE.name, MINE.optimizer, MINE.training)


def test_a_number_gets_one_linear_unit() -> None:
    found = keeping_layers(MINE, network_for(TABLE, NUMBER, name="t"), NUMBER)
    assert found is not None
    output = found.layers[-1]
    assert isinstance(output, Dense)
    assert (output.units, output.activation) == (1, None)


def test_layers_that_do_not_fit_the_rows_cannot_stay() -> None:
    pictures = Experiment(
        layers=(Conv2D(id="conv", filters=4, kernel_size=(3, 3)), Flatten(id="flat"), Dense(id="out", units=10))
    )
    assert keeping_layers(pictures, network_for(TABLE, THREE, name="t"), THREE) is None
    assert keeping_layers(Experiment(layers=()), network_for(TABLE, THREE, name="t"), THREE) is None


def test_layers_without_flatten_cannot_stay_for_pictures() -> None:
    """A Dense layer answers each row of a picture: shapes follow one another, and yet nothing can be trained."""
    pictures = DataSummary((28, 28), ("a", "b", "c"), True, (80, 20, 25), (30, 30, 20))
    proposed = network_for(TABLE, pictures, name="p")
    assert keeping_layers(MINE, proposed, pictures) is None
    flat = MINE.replaced(layers=(Flatten(id="flat"), *MINE.layers))
    assert keeping_layers(flat, proposed, pictures) is not None


def test_a_name_of_the_former_data_goes_with_it_and_an_own_name_stays() -> None:
    proposed = network_for(TABLE, THREE, name="sales")
    of_data = MINE.replaced(name="iris", data=Data(source=Table(path="/data/iris.csv.gz")))
    for present, name in ((of_data, "sales"), (of_data.replaced(name="mine"), "mine")):
        found = keeping_layers(present, proposed, THREE)
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/data/iris.csv.gz", "iris"),
        ("/data/my pictures", "my pictures"),
        ("/data/fashion-mnist/train-images-idx3-ubyte.gz", "fashion-mnist"),
        ("train-images-idx3-ubyte", "train-images-idx3-ubyte"),
    ],
)
def test_an_experiment_is_named_after_its_data(path: str, name: str) -> None:
    assert data_name(path) == name


def test_lines_name_the_input_the_layers_and_the_output() -> None:
    kept = keeping_layers(MINE, network_for(TABLE, THREE, name="t"), THREE)
    assert kept is not None
    lines = layer_lines(MINE, kept, THREE)
    assert [(line.title, line.changed) for line in lines] == [
        ("Input", True),
        ("Dense", False),
        ("Dropout", False),
        ("Output", True),
    ]
    assert lines[0].caption == "4 numbers, standardized"
    assert lines[1].parameters == 4 * 7 + 7
    assert (lines[3].caption, lines[3].parameters, lines[3].width) == ("3 classes · softmax", 7 * 3 + 3, "3")


def test_inputs_that_stand_for_categories_are_not_said_to_be_standardized() -> None:
    columns = (Column(name="area"), Column(name="district", kind="category"), Column(name="price", role="target"))
    data = Data(source=Table(path="t.csv", columns=columns), scaling="standardize")
    assert layer_lines(MINE, network_for(data, THREE, name="t"), THREE)[0].caption == "4 numbers"
