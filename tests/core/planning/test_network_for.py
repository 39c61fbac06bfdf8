"""A network that follows the data: for every task and shape an experiment without a problem that stops it."""

from __future__ import annotations

import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Csv, Data, DataSummary
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.planning.network_for import network_for

SOURCE = Csv(path="x.csv", target="number")


def summary(shape: tuple[int, ...], classes: int, rows: int, *, binary: bool = False) -> DataSummary:
    names = tuple(f"class {place}" for place in range(classes))
    share = rows // 5
    counts = tuple([rows // max(1, classes)] * classes)
    return DataSummary(shape, names, binary, counts=(rows, share, share), class_counts=counts)


SHAPES = [(1,), (4,), (700,), (8, 8), (28, 28), (28, 28, 1), (64, 48, 3), (200, 2), (512, 512, 3), (3, 4, 5, 6)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("classes", "binary"), [(0, False), (2, False), (2, True), (17, False)])
@pytest.mark.parametrize("rows", [20, 1_500, 60_000])
def test_the_experiment_needs_no_repair(shape: tuple[int, ...], classes: int, binary: bool, rows: int) -> None:
    known = summary(shape, classes, rows, binary=binary)
    made = network_for(Data(source=SOURCE), known, name="Mine")
    found = [problem for problem in find_problems(made, known) if problem.severity != "hint"]
    assert found == []
    assert codec.from_json(codec.to_json(made)) == made
    assert infer_shapes(made.layers, shape)[-1].output_shape == (1 if binary or not classes else classes,)


@pytest.mark.parametrize(
    ("classes", "binary", "activation", "loss"),
    [
        (0, False, None, "mean_squared_error"),
        (2, True, "sigmoid", "binary_crossentropy"),
        (2, False, "softmax", "sparse_categorical_crossentropy"),
        (5, False, "softmax", "sparse_categorical_crossentropy"),
    ],
)
def test_the_last_layer_and_the_loss_follow_the_task(
    classes: int, binary: bool, activation: str | None, loss: str
) -> None:
    known = summary((4,), classes, 100, binary=binary)
    made = network_for(Data(), known, name="Mine")
    assert made.layers[-1].activation == activation
    assert resolve_loss(made, known) == loss


def test_columns_are_standardized_and_pictures_brought_to_one() -> None:
    assert network_for(Data(), summary((4,), 3, 100), name="a").data.scaling == "standardize"
    assert network_for(Data(), summary((28, 28), 3, 100), name="a").data.scaling == "unit"


def test_more_rows_mean_larger_steps_and_fewer_epochs() -> None:
    small, large = (network_for(Data(), summary((4,), 3, rows), name="a").training for rows in (100, 100_000))
    assert small.batch_size < large.batch_size and small.epochs > large.epochs
