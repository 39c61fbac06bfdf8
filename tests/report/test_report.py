"""The report: its figures are those of metrics.json, everything is escaped, and it asks nobody for anything."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtGui import QPdfWriter

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.data import Table as TableSource
from dnnstudio.core.experiment.layers import Conv2D, Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Transfer
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.report_figures import Bin, MeasureForReport, ReportFigures
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.engine.data import load_part
from dnnstudio.engine.session import Session
from dnnstudio.gui.exporting.pdf import document_of, draw_pages, write_pdf
from dnnstudio.report.charts import svg
from dnnstudio.report.gathering import _figure, _measured, _network, _result, _setting, _task, _transfer_words, gather
from dnnstudio.report.page import render
from dnnstudio.report.sections import Chart, Line, Report, Section, Table, plain

CHARTS = (Chart("One", "epoch", (Line("a", ((1, 1), (2, 2))),)), Chart("Two", "epoch", (Line("b", ((1, 2), (2, 1))),)))
EVIL = '<script>alert("x")</script> & </td>'


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path]:
    folder = tmp_path_factory.mktemp("report") / "run"
    layers = (Flatten(id="flatten"), Dropout(id="drop", rate=0.2), Dense(id="output", units=10, activation="softmax"))
    experiment = Experiment(name=EVIL, data=Data(train_limit=200), layers=layers, training=Training(epochs=2))
    session = Session()
    session.run(TrainRun(experiment=experiment, folder=folder), Control(), lambda event: None)
    return session, folder


@pytest.fixture(scope="module")
def figures(trained: tuple[Session, Path]) -> ReportFigures:
    session, folder = trained
    found: ReportFigures = session.run(MeasureForReport(model=folder), Control(), lambda event: None)
    return found


class Page(HTMLParser):
    """What a browser would read: named figures, tags, addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: dict[str, float] = {}
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if given.get("data-name"):
            self.values[str(given["data-name"])] = float(str(given["data-value"]))
        self.addresses += [str(given[name]) for name in ("href", "src", "action") if given.get(name)]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_figure_of_the_result_is_that_of_metrics_json(trained: tuple[Session, Path]) -> None:
    folder = trained[1]
    page = Page(render(gather(folder)))
    metrics = json.loads((folder / "metrics.json").read_text())
    expected = {
        f"{part}.{name}": value for part in ("train", "validation", "test") for name, value in metrics[part].items()
    }
    assert page.values == expected


def test_the_page_is_escaped_and_holds_no_address(trained: tuple[Session, Path], figures: ReportFigures) -> None:
    text = render(gather(trained[1], limits=EVIL, figures=figures))
    page = Page(text)
    assert page.addresses == [] and not {"script", "link", "img", "iframe", "object"} & page.tags
    assert not re.search(r"https?:|url\(|@import|//[a-z]", text)
    assert page.text.count('alert("x")') >= 3 and "default-src 'none'" in text


def test_confusion_calibration_and_thresholds_are_those_of_the_answers(
    trained: tuple[Session, Path], figures: ReportFigures
) -> None:
    """By plain numpy on what the network says with dropout off."""
    session, folder = trained
    live = session.model(folder)
    part = load_part(live.experiment.data, "test", seed=42)
    answers = np.asarray(live.model(part.scaled(), training=False)).astype(np.float64)
    said = answers.argmax(axis=1)
    assert figures.rows == len(part.y) == sum(map(sum, figures.confusion))
    for true in range(10):
        for answer in range(10):
            assert figures.confusion[true][answer] == np.sum((part.y == true) & (said == answer))
    gaps = [one.rows * abs(one.accuracy - one.confidence) for one in figures.bins]
    assert figures.calibration_error == pytest.approx(sum(gaps) / len(part.y))
    assert figures.brier == pytest.approx(np.mean(((answers - np.eye(10)[part.y]) ** 2).sum(axis=1)), rel=1e-4)
    assert figures.passes == 30 and figures.mutual_information is not None and figures.mutual_information > 0
    thresholds = [one.threshold for one in figures.kept]
    assert thresholds == sorted(thresholds, reverse=True)
    assert json.loads((folder / "metrics.json").read_text())["test"]["accuracy"] == pytest.approx(
        sum(figures.confusion[i][i] for i in range(10)) / figures.rows
    )


def test_sections_are_left_out_and_limits_are_the_person_s(
    trained: tuple[Session, Path], figures: ReportFigures
) -> None:
    report = gather(trained[1], limits="Not for cheques.\n\nNot for children.", figures=figures)
    page = render(report, without=["curves", "confusion"])
    assert "Not for cheques." in page and "Not for children." in page
    assert "<svg" not in page.split('id="calibration"')[0] and 'id="confusion"' not in page
    assert "Nobody has written down" in render(gather(trained[1]))


def test_the_command_writes_a_page_and_a_pdf(
    trained: tuple[Session, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], qapp: object
) -> None:
    folder = trained[1]
    for name in ("a.html", "a.pdf"):
        assert main(["export", str(folder), "--to", "report", "--out", str(tmp_path / name), "--limits", "None."]) == 0
    assert Page((tmp_path / "a.html").read_text(encoding="utf-8")).values["test.loss"] > 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")
    for words, said in (
        (["--out", str(tmp_path / "a.txt")], "ends in neither .html nor .pdf"),
        (["--out", str(tmp_path / "b.html"), "--without", "weather"], "no section weather"),
    ):
        assert main(["export", str(folder), "--to", "report", *words]) == 2
        assert said in capsys.readouterr().err
    assert main(["export", str(tmp_path), "--to", "report", "--out", str(tmp_path / "b.html")]) == 2
    assert "holds no run, repeat or sweep" in capsys.readouterr().err


@pytest.mark.thorough  # trains in processes of their own
def test_a_repeat_and_a_sweep_have_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = (Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax"))
    codec.save(Experiment(data=Data(train_limit=200), layers=layers, training=Training(epochs=1)), tmp_path / "e.json")
    assert main(["repeat", str(tmp_path / "e.json"), "--seeds", "1,2", "--out", str(tmp_path / "many")]) == 0
    vary = ["--vary", "optimizer.learning_rate=0.01,0.1"]
    assert main(["sweep", str(tmp_path / "e.json"), *vary, "--out", str(tmp_path / "sweep")]) == 0
    for folder in ("many", "sweep"):
        out = tmp_path / f"{folder}.html"
        assert main(["export", str(tmp_path / folder), "--to", "report", "--out", str(out)]) == 0, (
            capsys.readouterr().err
        )
    many = Page((tmp_path / "many.html").read_text(encoding="utf-8"))
    metrics = json.loads((tmp_path / "many" / "metrics.json").read_text())
    assert many.values["test.accuracy"] == metrics["test"]["accuracy"]["mean"]
    assert "±" in many.text and "1, 2" in many.text
    settings = [gather(tmp_path / folder).sections for folder in ("many", "sweep")]
    training = [next(one for one in sections if one.name == "training").tables[0].rows for sections in settings]
    losses = [next(value.text for name, value in rows if name.text == "Loss") for rows in training]
    assert losses[0] == losses[1] != "auto"  # the one that was used, of a repeat too
    swept = Page((tmp_path / "sweep.html").read_text(encoding="utf-8"))
    assert "2 trials" in swept.text and "(best)" in swept.text


def test_a_report_tells_how_large_layers_are_and_from_which_file_the_rows_come() -> None:
    layers = (
        Conv2D(id="seen", filters=8, kernel_size=(3, 3)),
        Flatten(id="flat"),
        Dense(id="output", units=10, activation="softmax"),
    )
    rows = {name.text: words.text for name, _, words in _network(Experiment(layers=layers), {}).tables[0].rows}
    assert rows["seen"].startswith("8 filters · ") and rows["output"].startswith("10 units · softmax")
    table = TableSource(path="/data/wine.csv", target="classes")
    said = " ".join(_task(Experiment(data=Data(source=table)), None))
    assert said == "Learn from the rows of wine.csv."


def test_networks_of_a_repeat_are_not_called_passes(figures: ReportFigures) -> None:
    asked = replace(figures, passes=5, mutual_information=0.01)
    said = [" ".join(one.paragraphs) for networks in (5, 1) for one in _measured(asked, networks=networks)]
    assert [text for text in said if "over 5 networks" in text] and [text for text in said if "over 5 passes" in text]


def test_reused_layers_and_phases_stand_in_words() -> None:
    reuse = (Reuse(layer="a", source="a"), Reuse(layer="b", source="old"), Reuse(layer="c", source="c", mode="share"))
    phases = (Phase(epochs=1, frozen=("a", "b"), learning_rate=0.01), Phase(epochs=16))
    found = _transfer_words(Experiment(transfer=Transfer(source="run", reuse=reuse, phases=phases)))
    assert found["transfer.reuse"] == "a, b (from old) cloned; c shared"
    assert found["transfer.phases"] == "1 epoch with a, b frozen, learning rate 0.01; 16 epochs with nothing frozen"


def test_nothing_in_the_page_turns_a_line_round(trained: tuple[Session, Path]) -> None:
    text = render(gather(trained[1], limits="not\u202e for\x1b[31m\tpeople"))
    assert "not\N{REPLACEMENT CHARACTER} for\N{REPLACEMENT CHARACTER}[31m" in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_a_constant_and_a_single_point_are_drawn() -> None:
    for points in (((1.0, 0.01), (2.0, 0.01)), ((1.0, 0.5),)):
        drawn = str(svg(Chart("A < B", "epoch", (Line("rate", points),))))
        assert "A &lt; B" in drawn and "nan" not in drawn and ("polyline" in drawn or "circle" in drawn)


def test_numbers_have_residuals(trained: tuple[Session, Path], tmp_path: Path, qapp: object) -> None:
    figures = ReportFigures(part="test", rows=3, pairs=((1.0, 1.5), (2.0, 1.5), (3.0, 3.0)))
    report = gather(trained[1], figures=figures)
    assert [section.name for section in report.sections if section.name in ("confusion", "residuals")] == ["residuals"]
    write_pdf(report, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").stat().st_size > 10_000


def test_a_pretrained_network_has_a_report_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], qapp: object
) -> None:
    layers = (Flatten(id="flatten"), Dense(id="code", units=8, activation="relu"))
    experiment = Experiment(
        data=Data(train_limit=100), layers=layers, training=Training(epochs=1), pretraining=Autoencoder(until="code")
    )
    run = tmp_path / "run"
    Session().run(TrainRun(experiment=experiment, folder=run), Control(), lambda event: None)
    assert main(["export", str(run), "--to", "report", "--out", str(tmp_path / "a.html")]) == 0
    assert "pretrained on a task of its own" in capsys.readouterr().out
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert "Draw each row again" in page.text and "Confusion" not in page.text
    metrics = json.loads((run / "metrics.json").read_text())
    assert page.values["test.loss"] == metrics["test"]["loss"]


def test_a_bin_is_a_row(trained: tuple[Session, Path]) -> None:
    figures: Any = ReportFigures(
        part="test", rows=4, classes=("a", "b"), confusion=((1, 1), (0, 2)), bins=(Bin(4, 0.8, 0.75),)
    )
    page = Page(render(gather(trained[1], figures=figures)))
    assert "80.0" in page.text and "75.0" in page.text


def test_settings_are_named_by_what_they_belong_to_and_the_loss_is_the_one_that_was_used(
    trained: tuple[Session, Path],
) -> None:
    sections = {section.name: section for section in gather(trained[1]).sections}
    rows = {
        name: {cell.text: value.text for cell, value in sections[name].tables[0].rows} for name in ("data", "training")
    }
    assert rows["training"]["Loss"] == "sparse_categorical_crossentropy"
    assert rows["data"]["Validation share"] == "0.2" and "Share" not in rows["data"]


def test_no_heading_stands_alone_at_the_end_of_a_page_and_nothing_is_lost(qapp: Any, tmp_path: Path) -> None:
    sections = tuple(
        Section(f"s{number}", f"Heading {number}", ("Some words. " * (13 * number % 70),), charts=CHARTS[: number % 3])
        for number in range(1, 25)
    )
    writer = QPdfWriter(str(tmp_path / "a.pdf"))
    writer.setResolution(96)
    document = document_of(Report("Title", "below", sections))
    draw_pages(document, writer)
    height, layout = document.pageSize().height(), document.documentLayout()
    block, seen = document.begin(), 0
    while block.isValid():
        if block.blockFormat().headingLevel():
            seen += 1
            page = layout.blockBoundingRect(block).bottom() // height
            assert layout.blockBoundingRect(block.next()).bottom() // height == page, block.text()
        block = block.next()
    assert document.pageCount() > 4 and seen == 1 + 24 + sum(number % 3 for number in range(1, 25))


def test_no_table_s_head_stands_without_its_first_rows_and_none_is_left_behind(qapp: Any, tmp_path: Path) -> None:
    """At every place on a page that a table may begin at."""
    rows = tuple((plain(f"row {number}"), plain("word")) for number in range(6))
    for lines in range(30, 62, 2):
        filled = Section("filled", "Filled", tuple(f"Line {number}." for number in range(lines // 2)))
        table = Section("table", "Result", ("Said.",), (Table(("Figure", "Value"), rows, "Below."),))
        writer = QPdfWriter(str(tmp_path / "a.pdf"))
        writer.setResolution(96)
        document = document_of(Report("Title", "below", (filled, table)))
        draw_pages(document, writer)
        layout, height = document.documentLayout(), document.pageSize().height()
        pages, block = {}, document.begin()
        while block.isValid():
            pages[block.text()] = layout.blockBoundingRect(block).bottom() // height
            block = block.next()
        together = {pages[text] for text in ("Result", "Said.", "Below.", "Figure", "row 0", "row 1")}
        assert len(together) == 1, lines


def test_a_repeat_s_figures_stand_in_two_tables_that_say_once_how_many_networks(tmp_path: Path) -> None:
    spread = {"mean": 0.9, "std": 0.03, "n": 5}
    metrics = {
        "train": {"accuracy": spread, "loss": spread | {"n": 4}},
        "test": {"accuracy": spread},
        "ensemble": {"test": {"accuracy": 0.95}},
    }
    section = _result(Experiment(), metrics)
    networks, mean = section.tables
    assert networks.caption == "Mean and standard deviation over 5 networks."
    assert networks.heads == ("Figure", "Train", "Test") and mean.heads == ("Figure", "Test")
    accuracy, loss = networks.rows
    assert [cell.text for cell in accuracy[1:]] == ["90.0\u00a0±\u00a03.0\u00a0%"] * 2
    assert loss[1].text == "0.9\u00a0±\u00a00.03\u00a0(4)", "another number of networks is said"
    assert mean.rows[0][1].name == "ensemble, test.accuracy" and mean.rows[0][1].value == 0.95


def test_heads_of_many_columns_are_broken_between_their_words_and_escaped() -> None:
    heads = ("Trial", "Status", "Learning rate", EVIL, "val loss", "val accuracy")
    rows = (tuple(plain(str(number)) for number in range(len(heads))),)
    page = render(Report("Title", "below", (Section("trials", "Trials", (), (Table(heads, rows),)),)))
    assert "Learning<br>rate</th>" in page and "val<br>accuracy</th>" in page and ' tight"' in page
    assert "<script" not in page and "&lt;script&gt;" in page
    few = render(Report("Title", "below", (Section("a", "A", (), (Table(("Mean confidence",), ((plain("1"),),)),)),)))
    assert "Mean confidence</th>" in few and ' tight"' not in few


def test_accuracies_of_trials_are_shares_and_numbers_that_were_varied_stand_at_the_right() -> None:
    assert _figure("trial 1", "val_accuracy", 0.9286).text == "92.9\u00a0%"
    assert _figure("trial 1", "val_loss", 0.9286).text == "0.9286"
    assert _setting(0.0157513).value == 0.0157513 and _setting("relu").value is None and _setting(True).value is None


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5))
@example([1e308, -1e308, 1.0])
@example([5e-324, 5e-324])
@example([1.7e308])
@example([-1.0, -2.0])
def test_a_chart_of_any_numbers_has_places_that_can_be_drawn(values: list[float]) -> None:
    points = tuple((float(epoch), value) for epoch, value in enumerate(values, start=1))
    drawn = str(svg(Chart("Loss", "epoch", (Line("training", points),))))
    places = [float(found) for found in re.findall(r'(?:c[xy]="|[ ,"])(-?[\d.]+|nan|inf)(?=[ ,"])', drawn)]
    assert all(-1 <= place <= 1000 for place in places) and "nan" not in drawn and "inf" not in drawn
