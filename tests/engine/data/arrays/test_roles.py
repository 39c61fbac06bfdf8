"""Arrays by any names: chosen, found by shape, or asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.arrays.npz import read_npz
from dnnstudio.engine.data.arrays.propose import propose_npz
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch

RANDOM = np.random.default_rng(8)


def rows(count: int, *shape: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (count, *(shape or (3, 3))), dtype=np.uint8)


def labels(count: int, classes: int = 3) -> np.ndarray:
    return np.arange(count) % classes


def read(path: Path, arrays: dict[str, np.ndarray], **chosen: str) -> Raw:
    np.savez(path / "a.npz", **arrays)
    return read_npz(path / "a.npz", Watch(), chosen=chosen)


def test_one_pair_by_shape(tmp_path: Path) -> None:
    arrays = {"arr_0": rows(30), "arr_1": labels(30), "seed": np.asarray(3), "mean": np.zeros((3, 3))}
    raw = read(tmp_path, arrays)
    np.testing.assert_array_equal(raw.train.x, arrays["arr_0"])
    np.testing.assert_array_equal(raw.train.y, arrays["arr_1"])
    assert raw.test is None


def test_of_two_pairs_the_smaller_is_the_test(tmp_path: Path) -> None:
    arrays = {"a": rows(9), "b": rows(30), "c": labels(30), "d": labels(9)}
    raw = read(tmp_path, arrays)
    assert raw.test is not None
    assert (len(raw.train.x), len(raw.test.x)) == (30, 9)


def test_words_in_the_names_say_the_parts(tmp_path: Path) -> None:
    arrays = {
        "digits_eval": rows(40),
        "digits_training": rows(30),
        "digits_valid": rows(20),
        "class_training": labels(30),
        "class_eval": labels(40),
        "class_valid": labels(20),
    }
    raw = read(tmp_path, arrays)
    assert raw.test is not None
    np.testing.assert_array_equal(raw.test.x, arrays["digits_eval"])
    assert raw.keys.parts is not None
    assert raw.keys.parts.tolist() == [0] * 30 + [1] * 20
    np.testing.assert_array_equal(raw.train.x[30:], arrays["digits_valid"])
    np.testing.assert_array_equal(raw.train.y[30:], arrays["class_valid"])


def test_the_pair_without_a_word_trains_beside_one_that_is_named_for_the_test(tmp_path: Path) -> None:
    arrays = {"pixels": rows(30), "what": labels(30), "holdout_pixels": rows(40), "holdout_what": labels(40)}
    raw = read(tmp_path, arrays)
    assert raw.test is not None
    np.testing.assert_array_equal(raw.train.x, arrays["pixels"])
    np.testing.assert_array_equal(raw.test.y, arrays["holdout_what"])


def test_one_hot_labels_are_the_narrower_table(tmp_path: Path) -> None:
    raw = read(tmp_path, {"p": rows(30, 12), "q": np.eye(3, dtype=int)[labels(30)]})
    assert raw.train.x.shape == (30, 12)
    np.testing.assert_array_equal(raw.train.y, labels(30))


@pytest.mark.parametrize(
    "arrays",
    [
        {"a": rows(30), "b": rows(30), "c": labels(30)},
        {"a": rows(30), "c": labels(30), "d": labels(30)},
        {"a": rows(30), "b": labels(30), "c": rows(9, 5, 5), "d": labels(9)},
        {"a": rows(30), "b": labels(30), "c": rows(20), "d": labels(20), "e": rows(10), "f": labels(10)},
    ],
)
def test_doubt_is_told_with_all_candidates_and_mended(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, arrays)
    for name in arrays:
        assert f"{name} " in caught.value.message
    assert caught.value.hint == "Choose the arrays (data.source.x_train and data.source.y_train)."
    x = next(name for name, array in arrays.items() if array.ndim > 1)
    y = next(name for name, array in arrays.items() if array.ndim == 1)
    raw = read(tmp_path, arrays, x_train=x, y_train=y)
    np.testing.assert_array_equal(raw.train.x, arrays[x])
    np.testing.assert_array_equal(raw.train.y, arrays[y])
    source, questions = propose_npz(tmp_path / "a.npz")
    assert (source.x_train, source.y_train) == (None, None)
    assert [question.field for question in questions] == ["x_train", "y_train"]
    assert x in questions[0].choices
    assert y in questions[1].choices


def test_a_choice_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'no array "z" for x_train\. It holds: a uint8'):
        read(tmp_path, {"a": rows(30), "b": labels(30)}, x_train="z", y_train="b")
    with pytest.raises(UserError, match="x_validation but no y_validation"):
        read(tmp_path, {"a": rows(30), "b": labels(30), "c": rows(9)}, x_train="a", y_train="b", x_validation="c")


def test_a_validation_part_by_name_is_proposed_but_not_used_unasked(tmp_path: Path) -> None:
    parts = {"train": 30, "val": 12, "test": 9}
    arrays = {f"{part}_images": rows(count) for part, count in parts.items()}
    arrays |= {f"{part}_labels": labels(count) for part, count in parts.items()}
    raw = read(tmp_path, arrays)
    assert len(raw.train.x) == 30
    assert raw.notes == (
        "The arrays val_images and val_labels are not used; choose them as the validation part to validate with them.",
    )
    source, questions = propose_npz(tmp_path / "a.npz")
    assert questions == ()
    assert (source.x_validation, source.y_validation) == ("val_images", "val_labels")
    data = load_dataset(Data(source=source, scaling="none"), seed=1)
    assert data.summary.counts == (30, 12, 9)
    np.testing.assert_array_equal(data.validation.x, arrays["val_images"])
    assert data.summary.notes == ()


def test_a_file_of_the_usual_names_needs_no_choice(tmp_path: Path) -> None:
    read(tmp_path, {"x_train": rows(30), "y_train": labels(30), "x_test": rows(9), "y_test": labels(9)})
    assert propose_npz(tmp_path / "a.npz") == (Npz(path=str(tmp_path / "a.npz")), ())
