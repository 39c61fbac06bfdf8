"""The source `pictures`: layouts, decoding with one scale, the report, cancelling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, Fraction, ImageFolder, Pictures, ReadingReport
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import describe, load_dataset
from dnnstudio.engine.data.pictures.decode import Pixels
from dnnstudio.engine.data.pictures.many import scale_of
from dnnstudio.engine.data.pictures.pictures import read_pictures
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.predicting.pictures import PictureReader


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def fill(root: Path, counts: dict[str, int], start: int = 0) -> list[np.ndarray]:
    """Folders of 4 × 4 pictures of random grey levels; gives the pictures."""
    random = np.random.default_rng(start)
    made = []
    for folder, count in counts.items():
        for index in range(count):
            made.append(random.integers(0, 256, (4, 4), dtype=np.uint8))
            save(root / folder / f"{folder.replace('/', '_')}_{index}.png", made[-1])
    return made


def read(root: Path, **fields: object) -> Raw:
    return read_pictures(Pictures(path=str(root), **({"height": 4, "width": 4} | fields)), Watch())


def report_of(raw: Raw) -> ReadingReport:
    assert raw.report is not None
    return raw.report


def test_a_folder_a_class_with_what_systems_leave_behind(tmp_path: Path) -> None:
    made = fill(tmp_path, {"cat": 5, "Dog": 6})
    for place in ("__MACOSX/cat/x.png", ".ipynb_checkpoints/y.png", "cat/._z.png", "Dog/@eaDir/thumb.png"):
        save(tmp_path / place, made[0])
    for place in ("cat/.DS_Store", "cat/Thumbs.db", "desktop.ini", "Dog/notes.md"):
        (tmp_path / place).write_bytes(b"x")
    raw = read(tmp_path)
    assert raw.names == ("Dog", "cat")
    assert sorted(x.tobytes() for x in raw.train.x) == sorted(picture.tobytes() for picture in made)
    assert np.bincount(raw.train.y).tolist() == [6, 5]
    report = report_of(raw)
    assert [(item.name, item.reason) for item in report.left_out] == [
        ("Dog/notes.md", "not a picture by its name (.md)")
    ]
    assert (report.used, report.parts) == (11, None)


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "VALID", "Eval"), ("TRAIN", "dev", "testing")]
)
def test_folders_of_parts_are_the_parts(tmp_path: Path, names: tuple[str, str, str]) -> None:
    train, validation, test = names
    fill(tmp_path, {f"{train}/a": 7, f"{train}/b": 6, f"{validation}/a": 3, f"{validation}/B": 2, f"{test}/b": 4})
    data = Data(source=Pictures(path=str(tmp_path), height=4, width=4), scaling="none")
    found = load_dataset(data, seed=1)
    assert found.summary.counts == (13, 5, 4)
    assert found.summary.class_names == ("a", "b")
    assert found.test.y.tolist() == [1, 1, 1, 1]
    wanted = sorted(
        np.asarray(Image.open(path)).astype(np.float32).tobytes() for path in (tmp_path / validation).rglob("*.png")
    )
    assert sorted(x.tobytes() for x in found.validation.x) == wanted
    assert found.summary.report is not None
    assert found.summary.report.parts == (13, 5, 4)


def test_parts_inside_a_wrapper_with_a_class_that_training_lacks(tmp_path: Path) -> None:
    fill(tmp_path / "download" / "flowers", {"train/a": 3, "train/b": 3, "valid/a": 2, "valid/c": 2, "extra/a": 1})
    raw = read(tmp_path)
    assert raw.keys.parts is not None
    assert np.bincount(raw.keys.parts).tolist() == [6, 2]
    reasons = {item.name: item.reason for item in report_of(raw).left_out}
    assert reasons["valid/c/valid_c_0.png"] == 'no training picture is of the class "c"'
    assert reasons["extra/a/extra_a_0.png"] == "in no folder of a part"
    assert report_of(raw).left_out_count == 3


@pytest.mark.parametrize("place", ["test", "test/unknown"])
def test_test_pictures_without_a_class_are_told_apart(tmp_path: Path, place: str) -> None:
    fill(tmp_path, {"train/a": 4, "train/b": 4, "val/a": 2, "val/b": 2, place: 5})
    report = report_of(read(tmp_path))
    assert (report.used, report.unlabelled, report.unlabelled_folders) == (12, 5, (place,))
    assert f"5 pictures without a class in {place}: not trained on." in tuple(report.sentences())


def test_an_unlabelled_test_folder_beside_class_folders_is_no_class(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 4, "b": 4, "test": 3})
    raw = read(tmp_path)
    assert raw.names == ("a", "b")
    assert report_of(raw).unlabelled == 3


def test_classes_that_differ_in_case_alone_stay_two(tmp_path: Path) -> None:
    fill(tmp_path, {"train/A": 3, "train/a": 3, "val/A": 1, "val/a": 2})
    raw = read(tmp_path)
    assert raw.names == ("A", "a")
    assert raw.keys.parts is not None
    assert raw.train.y[raw.keys.parts == 1].tolist().count(1) == 2


def test_the_old_kind_over_folders_of_parts_warns_and_proposes_the_new_one(tmp_path: Path) -> None:
    fill(tmp_path, {"train/a": 5, "train/b": 5, "val/a": 5, "val/b": 5})
    experiment = Experiment(data=Data(source=ImageFolder(path=str(tmp_path), height=4, width=4)))
    summary = describe(experiment.data, seed=1).summary
    assert summary.class_names == ("train", "val")
    assert "as the parts of a data set are" in summary.notes[0]
    problem = next(item for item in find_problems(experiment, summary) if item.code == "parts_as_classes")
    assert problem.severity == "warning"
    assert problem.fix is not None
    mended = problem.fix.apply(experiment)
    assert mended.data.source == Pictures(path=str(tmp_path), height=4, width=4)
    assert describe(mended.data, seed=1).summary.class_names == ("a", "b")


def test_twelve_bits_in_sixteen_have_one_scale_for_the_whole_set(tmp_path: Path) -> None:
    levels = {"a": (0, 100, 200, 4000), "b": (300, 20, 1, 2)}
    for name, values in levels.items():
        for level in values:
            save(tmp_path / name / f"{level}.png", np.full((4, 4), level, np.uint16))
    save(tmp_path / "a" / "eight.png", np.full((4, 4), 51, np.uint8))
    data = Data(source=Pictures(path=str(tmp_path), height=4, width=4), scaling="unit")
    found = load_dataset(data, seed=1)
    seen = np.concatenate([part.x[:, 0, 0] for part in (found.train, found.validation, found.test)])
    wanted = [level / 4095 for values in levels.values() for level in values] + [51 / 255]
    np.testing.assert_allclose(np.sort(seen), np.sort(wanted), rtol=1e-6)
    assert found.summary.report is not None
    assert found.summary.report.notes == (
        "More than 8 bits in 8 pictures: white is 4,095 for all of them.",
        "Brought to the same scale: 1 picture of 8 bits.",
    )


def test_a_float_tiff_below_zero_is_scaled_by_the_range_of_the_training_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for name in ("a", "b"):
        for index in range(6):
            save(tmp_path / name / f"{index}.tiff", random.normal(0, 3, (4, 4)).astype(np.float32))
    found = load_dataset(Data(source=Pictures(path=str(tmp_path), height=4, width=4), scaling="unit"), seed=1)
    assert (found.train.x.min(), found.train.x.max()) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("lowest", "highest", "whole", "wanted"),
    [
        (0, 1.0, False, 1.0),
        (0, 1.0, True, 255.0),
        (0, 256, True, 1023.0),
        (0, 4095, True, 4095.0),
        (0, 4096, True, 16383.0),
        (0, 65535, True, 65535.0),
        (0, 65536, True, None),
        (-0.1, 1.0, False, None),
    ],
)
def test_the_depth_that_fits(lowest: float, highest: float, whole: bool, wanted: float | None) -> None:
    assert scale_of(lowest, highest, whole=whole) == wanted


def test_32_bit_tiffs_alpha_and_colour_of_16_bits(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 2, "b": 2})
    clear = np.zeros((4, 4, 4), np.uint8)
    save(tmp_path / "a" / "clear.png", clear)
    raw = read(tmp_path, color=True)
    assert raw.train.x.shape == (5, 4, 4, 3)
    assert (raw.train.x == 255).all(axis=(1, 2, 3)).sum() == 1
    assert report_of(raw).notes == ("Laid on white: 1 picture with transparent places.",)
    save(tmp_path / "b" / "deep.tif", np.full((4, 4), 60_000, np.int32))
    raw = read(tmp_path)
    assert (raw.train.x.dtype, raw.full_scale) == (np.float32, 65535.0)
    assert (raw.train.x == 60_000).all(axis=(1, 2)).sum() == 1


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 1, "b": 2})
    big = np.arange(16, dtype=np.uint8).reshape(4, 4)
    image = Image.fromarray(big)
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    image.save(tmp_path / "a" / "turned.png", exif=exif)
    assert any(np.array_equal(x, np.rot90(big, -1)) for x in read(tmp_path).train.x)


def test_damaged_files_are_left_out_and_listed(tmp_path: Path) -> None:
    made = fill(tmp_path, {"a": 20, "b": 20})
    whole = (tmp_path / "a" / "a_0.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(whole[:-30])
    (tmp_path / "b" / "text.jpg").write_bytes(b"hello")
    raw = read(tmp_path)
    assert sorted(x.tobytes() for x in raw.train.x) == sorted(picture.tobytes() for picture in made)
    assert sorted((item.name, item.reason) for item in report_of(raw).left_out) == [
        ("a/cut.png", "damaged or cut off"),
        ("b/text.jpg", "not a picture of a known format"),
    ]
    for path in (tmp_path / "b").glob("b_*.png"):
        path.write_bytes(b"no")
    with pytest.raises(UserError, match=r'No training picture of the class "b".*not a picture of a known format'):
        read(tmp_path)


def test_what_holds_no_data_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no pictures"):
        read(tmp_path)
    fill(tmp_path, {"only": 3})
    with pytest.raises(UserError, match="no classes to tell apart"):
        read(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "gone")
    fill(tmp_path / "flat", {"train": 3, "val": 3})
    with pytest.raises(UserError, match=r"train and val .* are the parts of a data set, but there are no folders of"):
        read(tmp_path / "flat")


def test_reading_is_cancelled_between_pictures(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 40, "b": 40})
    control = Control()
    source = Pictures(path=str(tmp_path), height=4, width=4)
    with pytest.raises(Cancelled):
        read_pictures(source, Watch(control, lambda done, total, text: control.stop()))


def test_a_new_picture_is_seen(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 6, "b": 6})
    data = Data(source=Pictures(path=str(tmp_path), height=4, width=4))
    assert describe(data, seed=1).label_counts == (6, 6)
    save(tmp_path / "a" / "new.png", np.zeros((4, 4), np.uint8))
    assert describe(data, seed=1).label_counts == (7, 6)


def test_a_picture_that_both_trains_and_judges_is_counted(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            for number in range(12):
                save(tmp_path / part / name / f"{number}.png", random.integers(0, 256, (6, 6), dtype=np.uint8))
    data = Data(source=Pictures(path=str(tmp_path), width=6, height=6), validation=Fraction(fraction=0.2))
    assert not any("among the training pictures" in note for note in describe(data, seed=1).summary.notes)
    for number in range(5):
        (tmp_path / "test" / "dog" / f"{number}.png").unlink()
    train = load_dataset(data, seed=1).train
    for number in range(3):  # three of the pictures that really train, under other names
        copied = np.rint(train.x[number].reshape(6, 6) * 255).astype(np.uint8)
        save(tmp_path / "test" / "dog" / f"copy {number}.png", copied)
    notes = describe(data, seed=1).summary.notes
    assert [note for note in notes if "among" in note] == [
        "3 of 22 test pictures stand among the training pictures too: what the network remembers is taken for what it "
        "understood."
    ]


def test_new_pictures_are_answered_in_the_unit_of_pictures_that_no_depth_fits() -> None:
    values = np.linspace(-3, 3, 36, dtype=np.float32).reshape(6, 6)
    reader = PictureReader((6, 6), None, as_stored=True)
    assert reader.can_read and not PictureReader((6, 6), None).can_read
    np.testing.assert_array_equal(reader._stored(Pixels(values, deep=True, lowest=-3, highest=3), Watch(None)), values)
