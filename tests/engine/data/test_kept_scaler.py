"""How a run's rows were scaled, kept in its folder: every number comes back to the last bit, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Csv, Data, Digits, Npz
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.kept_scaler import KeptScaler, keep_preparation, read_preparation


def kept(folder: Path, data: Data) -> KeptScaler:
    keep_preparation(load_dataset(data, seed=1), folder)
    found = read_preparation(folder)
    assert isinstance(found, KeptScaler)
    return found


@pytest.mark.parametrize("scaling", ["none", "unit", "standardize"])
def test_digits_are_scaled_alike_by_what_was_kept(tmp_path: Path, scaling: str) -> None:
    data = Data(source=Digits(), scaling=scaling)
    found = kept(tmp_path, data)
    rows = np.random.default_rng(0).integers(0, 17, (50, 8, 8)).astype(np.uint8)
    wanted = load_dataset(data, seed=1).scaler.apply(rows)
    np.testing.assert_array_equal(found.scaler().apply(rows), wanted)
    assert found.shape == (8, 8) and found.classes == tuple("0123456789")


def test_a_table_keeps_its_columns_and_what_fills_an_empty_cell(tmp_path: Path) -> None:
    lines = ["a,b,label", *(f"{n / 7},{'' if n == 3 else n * n},{n % 2}" for n in range(40))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    data = Data(source=Csv(path=str(tmp_path / "t.csv"), empty_cells="median"), scaling="standardize")
    found = kept(tmp_path, data)
    assert found.columns == ("a", "b") and found.fill is not None
    rows = np.array([[0.1, np.nan], [2.5, 9.0]])
    np.testing.assert_array_equal(found.scaler().apply(rows), load_dataset(data, seed=1).scaler.apply(rows))


def test_pictures_of_eight_bits_keep_the_value_of_white(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "p.npz", x_train=x, y_train=np.arange(30) % 2)
    assert kept(tmp_path, Data(source=Npz(path=str(tmp_path / "p.npz")))).full_scale == 255.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"std": {"shape": [], "values": [0.0]}}, "by which nothing can be divided"),
        ({"mean": {"shape": [3], "values": [1.0, 2.0, 3.0]}}, "do not scale rows of the shape"),
        ({"mean": {"shape": [8, 8], "values": [1.0]}}, "do not fill the shape"),
        ({"kind": "other"}, "no preparation that this version reads"),
    ],
)
def test_a_damaged_preparation_is_refused_in_a_sentence(tmp_path: Path, change: dict[str, object], said: str) -> None:
    kept(tmp_path, Data(source=Digits()))
    file = tmp_path / "preparation.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match=said):
        read_preparation(tmp_path)


def test_a_run_without_one_has_none(tmp_path: Path) -> None:
    assert read_preparation(tmp_path) is None
