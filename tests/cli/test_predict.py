"""`dnnstudio predict`: answers equal Keras's own on the arrays, in every format, and what does not fit is named."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from dnnstudio.cli.main import main
from dnnstudio.core.uncertainty.conformal import Promise, calibrate_sets, calibration_split, score_classes
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.reuse.loaded_model import read_model_at
from tests.thorough import some

DIGITS = load_digits()
STEP = 15
"""Digits have 17 shades; × 15 they are whole 8-bit shades, so that a picture of them loses nothing."""


def layers(outputs: int = 10, *, flat: bool, dropout: float = 0.0, activation: str = "softmax") -> list[dict[str, Any]]:
    head = [] if flat else [{"kind": "flatten", "id": "flatten"}]
    middle = [{"kind": "dropout", "id": "drop", "rate": dropout}] if dropout else []
    return [
        *head,
        {"kind": "dense", "id": "hidden", "units": 16, "activation": "relu"},
        *middle,
        {"kind": "dense", "id": "output", "units": outputs, "activation": activation},
    ]


def train(folder: Path, source: dict[str, Any], stack: list[dict[str, Any]], **data: Any) -> Path:
    """A run of two epochs on a source."""
    plain = {
        "name": "Small",
        "data": {"source": source, "validation": {"kind": "fraction", "fraction": 0.3}} | data,
        "layers": stack,
        "optimizer": {"kind": "adam"},
        "training": {"epochs": 2, "batch_size": 32},
    }
    folder.mkdir(parents=True, exist_ok=True)
    file, run = folder / "small.json", folder / "run"
    file.write_text(json.dumps(plain), encoding="utf-8")
    assert main(["run", str(file), "--out", str(run)]) == 0
    return run


def answers(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def probabilities(rows: Sequence[dict[str, Any]]) -> np.ndarray:
    return np.array([[value for name, value in row.items() if name.startswith("probability:")] for row in rows])


def as_csv(path: Path, x: np.ndarray, y: Sequence[Any] | np.ndarray | None = None) -> Path:
    """Pixels as columns p0, p1, … and, with labels, a last column `digit`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([f"p{place}" for place in range(x.shape[1])] + (["digit"] if y is not None else []))
        for number, pixels in enumerate(x):
            rows.writerow([*pixels.tolist(), *([y[number]] if y is not None else [])])
    return path


@pytest.fixture(scope="module")
def picture_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on 600 digits as PNG files, standardized, with dropout."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(600):
        place = folder / "train" / f"digit {DIGITS.target[number]}"
        place.mkdir(parents=True, exist_ok=True)
        write_digit(place / f"{number:04d}.png", number)
    source = {"kind": "image_folder", "path": str(folder / "train"), "height": 8, "width": 8}
    return train(folder, source, layers(flat=False, dropout=0.3), scaling="standardize")


def write_digit(path: Path, number: int) -> None:
    Image.fromarray((DIGITS.images[number] * STEP).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def new_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 other digits as PNG, in a mixed order of names, and three broken files among them."""
    folder = tmp_path_factory.mktemp("new")
    for place, number in enumerate(np.random.default_rng(3).permutation(np.arange(1000, 1200))):
        write_digit(folder / f"{place:03d} {number}.png", int(number))
    (folder / "050 empty.png").write_bytes(b"")
    (folder / "100 text.png").write_text("not a picture", encoding="utf-8")
    cut = (folder / next(path.name for path in sorted(folder.glob("*.png")) if path.stat().st_size > 60)).read_bytes()
    (folder / "150 cut.png").write_bytes(cut[: len(cut) // 2])
    return folder


def numbers_of(rows: Sequence[dict[str, Any]]) -> np.ndarray:
    return np.array([int(Path(row["source"]).stem.split(" ")[1]) for row in rows])


def expected(run: Path, numbers: np.ndarray) -> np.ndarray:
    """What plain Keras says of the arrays, standardized by the training rows as scikit-learn would."""
    live = read_model_at(run)
    train_rows = load_dataset(live.experiment.data, seed=live.experiment.seed)
    scaled = train_rows.scaler.apply((DIGITS.images[numbers] * STEP).astype(np.uint8))
    return np.asarray(live.model.predict(scaled, verbose=0))


def test_pictures_are_answered_as_the_arrays_are_and_broken_ones_are_named(
    picture_run: Path, new_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main(["predict", str(picture_run), str(new_pictures), "--out", str(out)]) == 1
    rows = answers(out)
    assert [Path(row["source"]).name for row in rows] == sorted(path.name for path in new_pictures.iterdir())
    broken = [row for row in rows if row["error"]]
    assert [Path(row["source"]).name for row in broken] == ["050 empty.png", "100 text.png", "150 cut.png"]
    assert all(row["prediction"] is None and Path(row["source"]).name in row["error"] for row in broken)
    good = [row for row in rows if not row["error"]]
    wanted = expected(picture_run, numbers_of(good))
    np.testing.assert_allclose(probabilities(good), wanted, rtol=0, atol=1e-6)
    assert [row["prediction"] for row in good] == [f"digit {place}" for place in wanted.argmax(axis=1)]
    assert all(row["probability"] == max(probabilities([row])[0]) and row["row"] == 1 for row in good)
    assert "3 cases without an answer" in capsys.readouterr().err


def test_a_run_answers_the_same_where_it_was_moved_and_its_data_are_gone(
    picture_run: Path, new_pictures: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone" / "copy"
    shutil.copytree(picture_run, alone)
    experiment = json.loads((alone / "experiment.json").read_text(encoding="utf-8"))
    experiment["data"]["source"]["path"] = str(tmp_path / "gone")
    (alone / "experiment.json").write_text(json.dumps(experiment), encoding="utf-8")
    for run, name in ((picture_run, "here.csv"), (alone, "there.csv")):
        assert main(["predict", str(run), str(new_pictures), "--out", str(tmp_path / name)]) == 1
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


def test_the_three_formats_hold_the_same(picture_run: Path, new_pictures: Path, tmp_path: Path) -> None:
    for ending in ("csv", "parquet", "json"):
        command = ["predict", str(picture_run), str(new_pictures), "--out", str(tmp_path / f"out.{ending}")]
        assert main([*command, "--samples", "3"]) == 1
    rows = answers(tmp_path / "out.json")
    names = [f"probability:digit {number}" for number in range(10)]
    scores = ["std", "predictive_entropy", "mutual_information"]
    assert list(rows[0]) == ["source", "row", "prediction", "probability", *names, *scores, "error"]
    assert pl.read_parquet(tmp_path / "out.parquet").to_dicts() == rows
    assert pl.read_csv(tmp_path / "out.csv").to_dicts() == rows


def test_passes_give_each_answer_its_spread(picture_run: Path, new_pictures: Path, tmp_path: Path) -> None:
    command = ["predict", str(picture_run), str(new_pictures), "--samples", "20"]
    for name, seed in (("one.json", "5"), ("same.json", "5"), ("other.json", "6")):
        assert main([*command, "--seed", seed, "--out", str(tmp_path / name)]) == 1
    rows = [row for row in answers(tmp_path / "one.json") if not row["error"]]
    mean = probabilities(rows)
    entropies = np.array([row["predictive_entropy"] for row in rows])
    np.testing.assert_allclose(entropies, -(mean * np.log(mean)).sum(axis=1), rtol=1e-9)
    assert all(0 < row["mutual_information"] < row["predictive_entropy"] for row in rows)
    assert all(row["std"] > 0 for row in rows)
    assert answers(tmp_path / "one.json") == answers(tmp_path / "same.json")
    assert answers(tmp_path / "one.json") != answers(tmp_path / "other.json")


@pytest.mark.parametrize("kind", SetKind)
def test_sets_are_those_of_the_validation_half(
    picture_run: Path, new_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: SetKind
) -> None:
    out = tmp_path / "out.json"
    given = [] if kind is SetKind.LAC else ["--sets", str(kind)]
    assert main(["predict", str(picture_run), str(new_pictures), "--coverage", "0.9", *given, "--out", str(out)]) == 1
    live = read_model_at(picture_run)
    held = load_dataset(live.experiment.data, seed=live.experiment.seed).validation
    half = calibration_split(len(held), seed=live.experiment.seed, labels=held.y).calibration
    scores = score_classes(live.model.predict(held.x[half], verbose=0), method=kind.method)
    found = calibrate_sets(scores, held.y[half], promise=Promise.of(0.9), by_class=kind.by_class)
    good = [row for row in answers(out) if not row["error"]]
    members = found.sets_of(expected(picture_run, numbers_of(good))).members
    wanted = [{f"digit {place}" for place in np.flatnonzero(kept)} for kept in members]
    assert [set(filter(None, row["set"].split("|"))) for row in good] == wanted
    assert f"calibrated on {len(half)} rows, half of the validation rows" in capsys.readouterr().err


def test_pictures_of_another_size_are_scaled_and_named(
    picture_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray((DIGITS.images[1000] * STEP).astype(np.uint8)).resize((40, 24)).save(tmp_path / "large.png")
    assert main(["predict", str(picture_run), str(tmp_path / "large.png"), "--out", str(tmp_path / "out.csv")]) == 0
    assert "1 picture of another size, scaled to 8 × 8 pixels: large.png (40 × 24)." in capsys.readouterr().err


def test_nothing_is_written_where_nothing_could_be_answered(
    picture_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.png").write_text("no picture", encoding="utf-8")
    for given in ("bad.png", "gone.png"):
        assert main(["predict", str(picture_run), str(tmp_path / given), "--out", str(tmp_path / "out.csv")]) == 2
        assert given in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "change", [["--out", "out.txt"], ["--coverage", "1.5"], ["--sets", "aps"], ["--weights", "worst"]]
)
def test_a_wrong_option_is_refused_at_once(
    change: list[str], picture_run: Path, new_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["predict", str(picture_run), str(new_pictures), "--out", "out.csv", *change]) == 2
    assert list(tmp_path.iterdir()) == []


def test_digits_as_csv_equal_the_array_path_bit_for_bit(tmp_path: Path) -> None:
    x, y = DIGITS.data[:600], DIGITS.target[:600]
    np.savez(tmp_path / "digits.npz", x_train=x, y_train=y)
    run = train(tmp_path, {"kind": "npz", "path": str(tmp_path / "digits.npz")}, layers(flat=True))
    table = as_csv(tmp_path / "digits.csv", x, y)
    by_csv = train(tmp_path / "csv", {"kind": "csv", "path": str(table)}, layers(flat=True), scaling="standardize")
    new = DIGITS.data[600:]
    np.savez(tmp_path / "new.npz", x=new)
    as_csv(tmp_path / "new.csv", new)
    as_csv(tmp_path / "labelled.csv", new, DIGITS.target[600:])
    found = {}
    for name, place in (("new.npz", run), ("new.csv", by_csv), ("labelled.csv", by_csv)):
        out = tmp_path / f"{name}.json"
        assert main(["predict", str(place), str(tmp_path / name), "--out", str(out)]) == 0
        found[name] = probabilities(answers(out))
    live = read_model_at(by_csv)
    scaled = load_dataset(live.experiment.data, seed=live.experiment.seed).scaler.apply(new)
    from dnnstudio.engine.reuse.ensemble import outputs_of

    np.testing.assert_array_equal(found["new.csv"], outputs_of(live.model, scaled))
    np.testing.assert_array_equal(found["new.csv"], found["labelled.csv"])
    np.testing.assert_allclose(found["new.csv"], live.model.predict(scaled, verbose=0), rtol=0, atol=1e-6)
    plain = read_model_at(run)
    unit = load_dataset(plain.experiment.data, seed=plain.experiment.seed).scaler.apply(new)
    np.testing.assert_array_equal(found["new.npz"], outputs_of(plain.model, unit))


def test_best_weights_are_predicted_evaluated_and_exported(
    picture_run: Path, new_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose best.keras is another run's network: what is asked of the best is what that network gives."""
    other, run = tmp_path / "other", tmp_path / "run"
    command = ["run", str(picture_run), "--out", str(other), "--seed", "7"]
    assert main(command) == 0
    shutil.copytree(picture_run, run)
    shutil.copy(other / "model.keras", run / "best.keras")
    wanted = read_model_at(other).model.get_weights()
    assert main(["export", str(run), "--to", "keras", "--weights", "best", "--out", str(tmp_path / "b.keras")]) == 0
    for one, two in zip(read_model_at(tmp_path / "b.keras").model.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(one, two)
    capsys.readouterr()
    said = []
    for place, weights in ((run, "best"), (run / "best.keras", "last"), (run, "last")):
        out = tmp_path / "out.json"
        assert main(["predict", str(place), str(new_pictures), "--weights", weights, "--out", str(out)]) == 1
        said.append([row["prediction"] for row in answers(out)] + [row["probability"] for row in answers(out)])
    assert said[0] == said[1] != said[2]
    capsys.readouterr()
    figures = []
    for given in ([run, "--weights", "best"], [run / "best.keras", "--data", run], [run]):
        assert main(["evaluate", *(str(word) for word in given), "--json"]) == 0
        figures.append(json.loads(capsys.readouterr().out))
    assert figures[0] == figures[1] != figures[2]


def test_a_run_without_best_weights_says_so(
    picture_run: Path, new_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(picture_run, run)
    (run / "best.keras").unlink()
    command = ["predict", str(run), str(new_pictures), "--weights", "best", "--out", str(tmp_path / "out.csv")]
    assert main(command) == 2
    assert "has kept no best weights" in capsys.readouterr().err


@pytest.mark.real_data
@pytest.mark.parametrize("count", some((1_000, 10_000), keep=(1_000,)))
def test_pictures_of_fashion_mnist_are_answered_as_keras_answers_their_arrays(
    tmp_path: Path, count: int, measured: Any
) -> None:
    """Its test part as PNG files in any order, three of them broken."""
    run = train(tmp_path, {"kind": "fashion_mnist"}, layers(flat=False), train_limit=2000)
    live = read_model_at(run)
    test = load_dataset(live.experiment.data, seed=live.experiment.seed).test.x[:count]
    folder = tmp_path / "pictures"
    folder.mkdir()
    order = np.random.default_rng(0).permutation(count)
    broken = order[[3, count // 2, count - 1]].tolist()
    for place, number in enumerate(order.tolist()):
        shades = np.rint(test[number] * 255).astype(np.uint8)
        path = folder / f"{place:05d} {number}.png"
        Image.fromarray(shades).save(path)
        if number in broken:
            path.write_bytes(path.read_bytes()[:100])
    out = tmp_path / "out.json"
    assert main(["predict", str(run), str(folder), "--out", str(out)]) == 1
    rows = answers(out)
    failed = [row for row in rows if row["error"]]
    assert numbers_of(failed).tolist() == broken
    assert all(Path(row["source"]).name in row["error"] for row in failed)
    good = [row for row in rows if not row["error"]]
    assert len(good) == count - 3
    wanted = live.model.predict(test[numbers_of(good)], verbose=0)
    furthest = float(np.abs(np.asarray(probabilities(good)) - wanted).max())
    measured(f"{count:,} pictures, 3 broken: probabilities differ from model.predict by at most {furthest:.1e}")
    assert furthest <= 1e-6
