"""An addition is one file: a made-up source, score and export format, registered here in a few lines, is everywhere.

Nothing of the program is changed for them; each is taken out again when its test ends.
"""

from __future__ import annotations

import csv
import json
import math
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.cli.main import main
from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, DataSummary, Source
from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.export.formats import EXPORTERS, Exporter, exporter_of
from dnnstudio.core.export.rows import data_lines
from dnnstudio.core.uncertainty.convergence import Course, running
from dnnstudio.core.uncertainty.samples import SampledRows, Samples
from dnnstudio.core.uncertainty.scores import SCORES, Score, Unit, score
from dnnstudio.engine.data import forget, load_dataset
from dnnstudio.engine.data.raw import Raw, Rows, digest_of
from dnnstudio.engine.data.reading import Watch, as_path
from dnnstudio.engine.data.sources import READERS, reader
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.data.panel import DataPanel
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.decision.tab import DecisionTab
from dnnstudio.gui.uncertainty.distribution.side_cards import PassesCard, ScoresCard
from dnnstudio.gui.uncertainty.exporting import figures_of, table_of
from dnnstudio.gui.uncertainty.grid import Pictures
from dnnstudio.gui.uncertainty.image_list import ImageList
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.shift.figures import detections, measure_styles, measures

# ------------------------------------------------------------------------------------------------------ a source


class Squares(Source, late=True):
    """Points in a file of text, a line each, whose class is whether x is above y."""

    kind: Literal["squares"] = "squares"
    label = "Squares"
    help = "Points of the plane."
    path: str = option(title="File", help="The text file.", initial="", widget="file")
    guess: Literal["classes", "number"] = option("classes", title="Guess", help="Above or below, or how far.")

    @property
    def predicts_number(self) -> bool:
        return self.guess == "number"


def squares_files(source: Squares, watch: Watch) -> tuple[Path, ...]:
    return (as_path(source.path, what="the points"),)


def read_squares(source: Squares, watch: Watch) -> Raw:
    x = np.loadtxt(squares_files(source, watch)[0])
    above = x[:, 0] - x[:, 1]
    if source.predicts_number:
        return Raw(Rows(x, above), None, (), (), "points", digest=digest_of(x, above))
    y = (above > 0).astype(np.int64)
    return Raw(Rows(x, y), None, (0, 1), ("below", "above"), "points", digest=digest_of(x, y))


@pytest.fixture
def squares(tmp_path: Path) -> Iterator[Squares]:
    """The made-up source with a file of 60 points."""
    reader(Squares, files=squares_files)(read_squares)
    np.savetxt(tmp_path / "points.txt", np.random.default_rng(1).random((60, 2)))
    with Source.kinds.added(Squares):
        yield Squares(path=str(tmp_path / "points.txt"))
    forget()
    del READERS["squares"]


def experiment_of(source: Source) -> Experiment:
    return Experiment(
        name="Made up",
        data=Data(source=source, scaling="none"),
        layers=(Dense(id="output", units=2, activation="softmax"),),
        training=Training(epochs=1),
    )


def test_a_source_survives_the_file_and_is_read(squares: Squares) -> None:
    experiment = experiment_of(squares)
    assert codec.from_json(codec.to_json(experiment)) == experiment
    rows = load_dataset(experiment.data, seed=3)
    assert rows.summary.class_names == ("below", "above")
    np.testing.assert_array_equal(rows.train.y, rows.train.x[:, 0] > rows.train.x[:, 1])
    assert len(rows.train.y) + len(rows.validation.y) + len(rows.test.y) == 60


def test_a_source_is_checked_by_what_its_record_says(squares: Squares) -> None:
    empty = experiment_of(Squares.new())
    assert [problem.place for problem in find_problems(empty, None) if problem.code == "no_file"] == [
        "data.source.path"
    ]
    kept = {"keep": (0, 1), "positive": None}
    wrong = experiment_of(squares.replaced(guess="number"))
    wrong = wrong.replaced(data=wrong.data.replaced(classes=kept))
    assert "classes_of_a_number" in {problem.code for problem in find_problems(wrong, None)}


def test_a_source_is_read_by_this_program_in_the_script(squares: Squares) -> None:
    experiment = experiment_of(squares)
    code = data_lines(experiment)
    assert "keras.datasets" not in code
    names: dict[str, object] = {}
    exec(code, names)
    np.testing.assert_array_equal(names["X_train"], load_dataset(experiment.data, seed=experiment.seed).train.x)


def test_a_source_is_in_the_menu_and_has_its_form(squares: Squares, qtbot: QtBot, qapp: QApplication) -> None:
    document = Document(experiment_of(squares))
    panel = DataPanel(document, Theme(qapp))
    qtbot.addWidget(panel)
    assert "Squares" in [panel.source.itemText(row) for row in range(panel.source.count())]
    assert panel.source.value() == "squares"
    assert panel.source_form.paths() == ("path", "guess")


def test_a_source_is_trained_on_from_the_command_line(
    squares: Squares, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "made_up.json"
    codec.save(experiment_of(squares), path)
    assert main(["data", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"] == "points"
    assert main(["data", "squares"]) != 0
    assert "squares is read from files of yours" in capsys.readouterr().err
    assert main(["run", str(path), "--out", str(tmp_path / "run")]) == 0
    history = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(history) == 2


# ------------------------------------------------------------------------------------------------------- a score


COLLISION = Score(
    name="collision_entropy",
    title="Collision entropy",
    sentence="Rényi entropy of order 2 of the mean, in nats.",
    meaning="two draws differ",
    unit=Unit.NATS,
    followed=True,
    formula=lambda passes: -np.log((passes.mean**2).sum(axis=1)),
)


@pytest.fixture
def collision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCORES, COLLISION.name, COLLISION)


def sampled() -> Samples:
    """Twelve passes over thirty rows and three classes."""
    passes = np.random.default_rng(5).dirichlet(np.full(3, 0.8), (12, 30)).astype(np.float32)
    rows = SampledRows(np.arange(30) % 3, passes[0], ("a", "b", "c"), np.zeros((30, 4, 4), np.uint8), title="test part")
    return Samples(rows, (passes,), score(passes), Course.empty(30), seed=1)


def by_hand(samples: Samples) -> NDArray[np.float64]:
    mean = samples.array().astype(np.float64).mean(axis=0)
    return np.array([-math.log(sum(p * p for p in row)) for row in mean.tolist()])


def test_a_score_sorts_the_list_and_has_its_row_on_the_card(collision: None, qtbot: QtBot, qapp: QApplication) -> None:
    samples, theme, inspection = sampled(), Theme(qapp), Inspection()
    images, card = ImageList(theme, inspection, Pictures(theme)), ScoresCard(theme, inspection)
    passes = PassesCard(theme, inspection)
    for widget in (images, card, passes):
        qtbot.addWidget(widget)
    inspection.set_samples(samples, finished=True)
    assert "Collision entropy" in [images.sort.itemText(row) for row in range(images.sort.count())]
    images.sort.choose(COLLISION.name)
    assert images.shown().tolist() == np.argsort(-by_hand(samples), kind="stable").tolist()
    inspection.set_image(7)
    card.refresh()
    row = card.rows[COLLISION.name]
    assert row.figure.text() == f"{by_hand(samples)[7]:.3f}"
    assert row.toolTip() == COLLISION.sentence
    assert "Collision entropy of this one" in [choice.label for choice in passes.what.choices()]
    assert running(samples.of_row(7)).score(COLLISION.name)[-1] == pytest.approx(by_hand(samples)[7])


def test_a_score_is_in_the_files_and_the_figures(collision: None) -> None:
    samples = sampled()
    table = list(csv.DictReader(table_of(samples).splitlines()))
    written = [float(line[COLLISION.name]) for line in table]
    np.testing.assert_allclose(written, by_hand(samples), rtol=1e-7)
    np.testing.assert_allclose(samples.arrays()[COLLISION.name], by_hand(samples), rtol=1e-12)
    assert f"Collision entropy\t{by_hand(samples)[4]:.4f}" in figures_of(samples, 4).splitlines()
    words = {key: words for key, words, _ in measure_styles(sampled())}
    assert words["collision_entropy"] == "collision entropy, share of its maximum"
    assert measures(samples)[COLLISION.name] == pytest.approx(by_hand(samples).mean() / math.log(3))
    assert detections(samples, samples)[COLLISION.name].auroc == pytest.approx(0.5)


def test_a_score_decides_what_is_referred(collision: None, qtbot: QtBot, qapp: QApplication) -> None:
    samples, theme, inspection = sampled(), Theme(qapp), Inspection()
    tab = DecisionTab(theme, inspection, Pictures(theme))
    qtbot.addWidget(tab)
    inspection.set_samples(samples, finished=True)
    assert "Collision entropy" in [choice.label for choice in tab.score.choices()]
    tab.score.choose(COLLISION.name)
    tab.set_threshold(0.9)
    assert tab.decision.referral(samples).referred == int((by_hand(samples) > 0.9).sum())


def test_a_score_is_written_and_printed_by_the_command_line(
    collision: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run, out = tmp_path / "small.json", tmp_path / "run", tmp_path / "samples.npz"
    layers = (Flatten(id="flat"), Dropout(id="drop", rate=0.3), Dense(id="output", units=10, activation="softmax"))
    codec.save(Experiment(layers=layers, training=Training(epochs=1)), path)
    assert main(["run", str(path), "--out", str(run)]) == 0
    words = ["uncertainty", str(run), "--samples", "3", "--out", str(out)]
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)[COLLISION.name]
    with np.load(out) as arrays:
        mean = arrays["probabilities"].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(arrays[COLLISION.name], -np.log((mean**2).sum(axis=1)), rtol=1e-9)
        assert reported == pytest.approx(arrays[COLLISION.name].mean())
    assert main(words) == 0
    assert f", collision entropy {reported:.4f}" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------ export formats


def to_outline(experiment: Experiment, summary: DataSummary) -> str:
    """The made-up format of experiments: a line a layer."""
    return "\n".join([f"{summary.classes} classes", *(layer.id for layer in experiment.layers)])


def save_norms(model: Any, path: Path, **_: Any) -> int:
    """The made-up format of networks: the size of every array."""
    content = json.dumps([float(np.linalg.norm(weight)) for weight in model.get_weights()])
    return path.write_text(content)


@pytest.fixture
def formats(monkeypatch: pytest.MonkeyPatch) -> None:
    here = types.ModuleType("made_up_formats")
    here.__dict__.update(to_outline=to_outline, save_norms=save_norms)
    monkeypatch.setitem(sys.modules, here.__name__, here)
    for row in (
        Exporter("outline", ".outline", "Outline", "made_up_formats:to_outline", needs_weights=False),
        Exporter("norms", ".norms", "Norms", "made_up_formats:save_norms", needs_weights=True),
        Exporter("absent", ".absent", "Absent", "made_up_missing:save", needs_weights=False, extra="absent"),
    ):
        monkeypatch.setitem(EXPORTERS, row.name, row)


def test_a_format_is_written_from_the_command_line(
    formats: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run = tmp_path / "small.json", tmp_path / "run"
    layers = (Flatten(id="flat"), Dense(id="output", units=10, activation="softmax"))
    codec.save(Experiment(layers=layers, training=Training(epochs=1)), path)
    assert main(["export", str(path), "--to", "outline", "--out", str(tmp_path / "a.outline")]) == 0
    assert (tmp_path / "a.outline").read_text().splitlines() == ["10 classes", "flat", "output"]
    assert main(["run", str(path), "--out", str(run)]) == 0
    assert main(["export", str(run), "--to", "norms", "--out", str(tmp_path / "a.norms")]) == 0
    assert len(json.loads((tmp_path / "a.norms").read_text())) == 2
    capsys.readouterr()
    assert main(["export", str(path), "--to", "absent", "--out", str(tmp_path / "a.absent")]) == 2
    assert "Install dnnstudio[absent]" in capsys.readouterr().err
    assert main(["export", str(run), "--to", "norms", "--out", str(tmp_path / "a.txt")]) == 2
    assert "it ends in .norms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ask", "title", "ending"), [("save_model", "Norms", ".norms"), ("export_script", "Outline", ".outline")]
)
def test_a_format_is_offered_by_the_dialog(
    formats: None,
    ask: str,
    title: str,
    ending: str,
    qapp: QApplication,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    offered = []

    def answer(parent: object, caption: str, start: str, filters: str) -> tuple[str, str]:
        offered.extend(filters.split(";;"))
        return str(tmp_path / "mine"), next(one for one in offered if one.startswith(title))

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    dialogs = Dialogs(Theme(qapp), Settings())
    window = QWidget()
    assert getattr(dialogs, ask)(window, "mine") == tmp_path / f"mine{ending}"
    assert f"{title} (*{ending})" in offered


def test_a_file_s_name_tells_the_format_with_the_longest_ending() -> None:
    assert exporter_of(Path("a.weights.h5"), needs_weights=True).name == "weights"
    assert exporter_of(Path("A.H5"), needs_weights=True).name == "h5"
    with pytest.raises(UserError, match="does not say in which format"):
        exporter_of(Path("a.txt"), needs_weights=False)
