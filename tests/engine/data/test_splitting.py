from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Data, Digits, FirstRows, Fraction
from dnnstudio.engine.data.raw import Raw, Rows
from dnnstudio.engine.data.splitting import draw, make_task, split_rows


def raw_of(y: np.ndarray, test: np.ndarray | None = None, names: tuple[str, ...] = ()) -> Raw:
    labels = tuple(int(label) for label in np.unique(y))
    return Raw(
        train=Rows(np.arange(len(y))[:, None], y.astype(np.int64)),
        test=None if test is None else Rows(np.arange(len(test))[:, None], test.astype(np.int64)),
        labels=labels,
        names=names or tuple(str(label) for label in labels),
        origin="here",
    )


def chapter_split(y_full: np.ndarray, y_test: np.ndarray, first: int) -> dict[str, list[np.ndarray]]:
    """The two tasks as the chapter makes them: validation rows first, then the classes, then the first 200 of B."""
    is_b = [(y == 5) | (y == 6) for y in (y_full, y_test)]
    place = np.arange(len(y_full))
    valid, train = place[:first], place[first:]
    return {
        "A": [train[~is_b[0][train]], valid[~is_b[0][valid]], np.flatnonzero(~is_b[1])],
        "B": [train[is_b[0][train]][:200], valid[is_b[0][valid]], np.flatnonzero(is_b[1])],
    }


def test_the_two_tasks_are_those_of_the_chapter() -> None:
    random = np.random.default_rng(0)
    y, y_test = random.integers(0, 10, 6000), random.integers(0, 10, 1000)
    wanted = chapter_split(y, y_test, 500)
    raw = raw_of(y, y_test)
    a = Data(classes=Classes(keep=(0, 1, 2, 3, 4, 7, 8, 9)), validation=FirstRows(count=500))
    b = Data(classes=Classes(keep=(5, 6), positive=6), validation=FirstRows(count=500), train_limit=200)
    for name, data in (("A", a), ("B", b)):
        task = make_task(raw, data.classes)
        parts = split_rows(raw, data, task, seed=7)
        for found, rows in zip((parts.train, parts.validation, parts.test), wanted[name], strict=True):
            np.testing.assert_array_equal(found, rows)
        assert task is not None
        encoded = task.encode(y[parts.train])
        chapter = y[parts.train].copy()
        if name == "A":
            chapter[chapter > 6] -= 2
        else:
            chapter = (chapter == 6).astype(int)
        np.testing.assert_array_equal(encoded, chapter)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.37, 0.999, 0.001])
def test_a_share_is_drawn_as_evenly_as_scikit_learn_does(share: float) -> None:
    y = np.repeat([0, 1, 2], [500, 300, 203])
    validation, train = draw(np.arange(len(y)), y, round(share * len(y)), seed=1)
    assert sorted([*validation, *train]) == list(range(len(y)))
    if len(validation) >= 3 and len(train) >= 3:
        other = train_test_split(y, test_size=len(validation), stratify=y, random_state=0)[1]
        assert np.abs(np.bincount(y[validation], minlength=3) - np.bincount(other, minlength=3)).max() <= 1


@given(st.lists(st.integers(0, 5), min_size=2, max_size=80), st.integers(0, 90), st.integers(0, 5))
@settings(max_examples=100)
def test_drawing_keeps_every_row_once_and_every_class_in_the_rest(labels: list[int], count: int, seed: int) -> None:
    y = np.asarray(labels)
    rows = np.arange(len(y)) * 3 + 1
    chosen, rest = draw(rows, y, count, seed)
    assert sorted([*chosen, *rest]) == rows.tolist()
    assert len(chosen) <= count
    assert set(y[(rest - 1) // 3]) == set(labels)
    assert list(chosen) == sorted(chosen)
    assert list(rest) == sorted(rest)
    room = sum(np.bincount(y)[list(set(labels))] - 1)
    assert len(chosen) == min(count, room)
    again, _ = draw(rows, y, count, seed)
    np.testing.assert_array_equal(chosen, again)


def test_another_seed_draws_other_validation_rows_but_the_same_test_rows() -> None:
    raw = raw_of(np.arange(300) % 3)
    task = make_task(raw, Classes())
    one, two = (split_rows(raw, Data(validation=Fraction(fraction=0.2)), task, seed) for seed in (1, 2))
    np.testing.assert_array_equal(one.test, two.test)
    assert len(one.test) == 60
    assert not np.array_equal(one.validation, two.validation)
    for part in (one, two):
        assert sorted([*part.train, *part.validation, *part.test]) == list(range(300))


@pytest.mark.parametrize(
    ("classes", "names", "binary", "encoded"),
    [
        (Classes(), ("zero", "two", "seven"), False, [0, 1, 2, -1]),
        (Classes(keep=(7, 0)), ("seven", "zero"), False, [1, -1, 0, -1]),
        (Classes(positive=2), ("not two", "two"), True, [0, 1, 0, -1]),
        (Classes(keep=(2, 7), positive=7), ("two", "seven"), True, [-1, 0, 1, -1]),
        (Classes(keep=(7, 2), positive=7), ("two", "seven"), True, [-1, 0, 1, -1]),
    ],
)
def test_labels_become_classes(classes: Classes, names: tuple[str, ...], binary: bool, encoded: list[int]) -> None:
    task = make_task(raw_of(np.asarray([0, 2, 7]), names=("zero", "two", "seven")), classes)
    assert task is not None
    assert (task.class_names, task.binary) == (names, binary)
    assert task.encode(np.asarray([0, 2, 7, 5])).tolist() == encoded


def test_built_in_names_agree_with_those_known_before_reading() -> None:
    from dnnstudio.core.experiment.data import known_summary

    for classes in (Classes(), Classes(keep=(3, 1, 9)), Classes(keep=(3, 1, 9), positive=1), Classes(positive=4)):
        known = known_summary(Data(source=Digits(), classes=classes))
        task = make_task(raw_of(np.arange(10)), classes)
        assert known is not None
        assert task is not None
        assert (known.class_names, known.binary) == (task.class_names, task.binary)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (Classes(keep=(0, 12)), "names the label 12; the data hold 0, 1, 2"),
        (Classes(keep=(0, 1, 0)), "names the label 0 twice"),
        (Classes(positive=5), "positive is 5, which is not among the kept labels 0, 1, 2"),
        (Classes(keep=(0, 1), positive=2), "not among the kept labels 0, 1"),
    ],
)
def test_a_class_filter_that_cannot_be(classes: Classes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_task(raw_of(np.arange(30) % 3), classes)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Data(validation=FirstRows(count=30)), "count is 30, but there are 30 rows"),
        (Data(validation=FirstRows(count=5000)), "count is 5,000"),
        (Data(classes=Classes(keep=(0, 1)), validation=FirstRows(count=1)), "No row is left to validate"),
        (Data(classes=Classes(keep=(0, 1)), validation=FirstRows(count=29)), "No row is left to train"),
        (Data(classes=Classes(keep=(1, 2))), "No row is left to test"),
    ],
)
def test_an_empty_part_is_refused(data: Data, words: str) -> None:
    raw = raw_of(np.asarray([2, *([0, 1] * 14), 2]), test=np.zeros(5))
    with pytest.raises(UserError, match=words):
        split_rows(raw, data, make_task(raw, data.classes), seed=0)


def test_too_few_rows_are_refused() -> None:
    raw = raw_of(np.asarray([0, 1]))
    with pytest.raises(UserError, match="No row is left"):
        split_rows(raw, Data(), make_task(raw, Classes()), seed=0)


def test_a_number_has_no_class_filter() -> None:
    raw = Raw(Rows(np.zeros((9, 1)), np.arange(9) / 2), None, (), (), "here")
    assert make_task(raw, Classes()) is None
    with pytest.raises(UserError, match="Clear the class filter"):
        make_task(raw, Classes(positive=1))
    parts = split_rows(raw, Data(), None, seed=3)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [6, 1, 2]
