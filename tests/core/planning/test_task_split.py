"""Two tasks of one data set, as in the chapter."""

from __future__ import annotations

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Data, Digits, FashionMNIST, FirstRows, Fraction, Npz
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Transfer
from dnnstudio.core.planning.task_split import split_into_tasks

STACK = (Flatten(id="flatten"), Dense(id="h1", units=6, activation="selu"), Dense(id="output", units=10))
FASHION = Experiment(name="Fashion", data=Data(source=FashionMNIST()), layers=STACK, transfer=Transfer(source="x"))


def test_the_chapter_s_tasks() -> None:
    a, b = split_into_tasks(FASHION)
    assert a.data == Data(
        source=FashionMNIST(), classes=Classes(keep=(0, 1, 2, 3, 4, 7, 8, 9)), validation=FirstRows(count=5000)
    )
    assert b.data == Data(
        source=FashionMNIST(),
        classes=Classes(keep=(5, 6), positive=6),
        validation=FirstRows(count=5000),
        train_limit=200,
    )
    assert a.layers[:-1] == b.layers[:-1] == STACK[:-1]
    assert [(e.layers[-1].units, e.layers[-1].activation) for e in (a, b)] == [(8, "softmax"), (1, "sigmoid")]
    assert (a.name, b.name) == ("Fashion, task A", "Fashion, task B")
    assert a.transfer is None and b.transfer is None


def test_a_small_data_set_keeps_its_own_split() -> None:
    a, b = split_into_tasks(Experiment(data=Data(source=Digits()), layers=STACK), (0, 1, 2), None, None)
    assert a.data.validation == b.data.validation == Fraction(fraction=0.2)
    assert (b.data.classes, b.data.train_limit) == (Classes(keep=(0, 1, 2)), None)
    assert (b.layers[-1].units, b.layers[-1].activation) == (3, "softmax")


def test_labels_of_a_file_are_told() -> None:
    given = Experiment(data=Data(source=Npz(path="x.npz")), layers=STACK)
    a, _ = split_into_tasks(given, (7, 9), 9, labels=(3, 5, 7, 9))
    assert a.data.classes.keep == (3, 5)
    with pytest.raises(UserError, match="not known yet"):
        split_into_tasks(given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"second": (5, 11)}, "no class 11"),
        ({"second": (5,), "positive": 5}, "1 for task B"),
        ({"second": tuple(range(9)), "positive": 1}, "1 class for task A"),
        ({"second": (5, 6), "positive": 7}, "Class 7 is not in task B"),
    ],
)
def test_what_makes_no_two_tasks_is_said(given: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        split_into_tasks(FASHION, **given)


def test_a_stack_without_a_dense_output_is_named() -> None:
    with pytest.raises(UserError, match="does not end in a Dense"):
        split_into_tasks(FASHION.replaced(layers=(Flatten(id="flatten"), Dropout(id="drop", rate=0.1))))
