"""What the system refuses and what data are called: one line on the terminal, whatever command meets it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from dnnstudio.cli.main import main
from dnnstudio.cli.printing.common import ProgressPrinter, figures, shown_name
from dnnstudio.core.jobs.events import Progress, SavingPaused


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit of a name")
@pytest.mark.parametrize(
    "words",
    [
        ["new", "{}"],
        ["check", "{}"],
        ["summary", "{}"],
        ["run", "{}", "--out", "run"],
        ["evaluate", "{}"],
        ["predict", "{}", "rows.csv", "--out", "answers.csv"],
        ["export", "{}", "--out", "script.py"],
        ["uncertainty", "{}", "--out", "passes.npz"],
        ["diff", "{}", "{}"],
    ],
    ids=lambda words: words[0],
)
def test_a_name_too_long_to_look_at_is_one_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.format("x" * 300) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "the name is too long" in said and len(said) < 400


def test_a_class_cannot_write_over_other_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("cat", "do\n\x1b[2Jg", "x" * 500)
    rows = "".join(f'{row / 8},"{names[row % 3]}"\n' for row in range(60))
    (tmp_path / "t.csv").write_text(f"a,y\n{rows}")
    assert main(["new", str(tmp_path / "t.csv"), "--out", str(tmp_path / "e.json")]) == 0
    first, *_ = said = capsys.readouterr().out.splitlines()
    assert first.startswith("Predicts y: classes cat, do��[2Jg, xxx") and max(map(len, said)) < 200
    assert shown_name("do\ng") in figures({"loss": 1.0, "recall:do\ng": 0.5}).splitlines()[1]


def test_names_with_brackets_are_no_markup_of_the_progress() -> None:
    screen = io.StringIO()
    with ProgressPrinter(Console(file=screen, force_terminal=True, width=80)) as shown:
        shown.take(Progress(run="r", done=1, total=2, text="Reading [/red].csv"))
    assert "Reading [/red].csv" in screen.getvalue()


def test_a_full_disk_is_said_while_a_network_trains() -> None:
    screen = io.StringIO()
    with ProgressPrinter(Console(file=screen, width=200)) as shown:
        shown.take(SavingPaused(run="r", reason="a\x1b[2J cannot be written: the disk is full."))
        shown.take(SavingPaused(run="r"))
    said = screen.getvalue().splitlines()
    assert said[0].startswith("a\N{REPLACEMENT CHARACTER}[2J cannot be written: the disk is full. The training goes on")
    assert said[1] == "Saved: nothing is missing."


def test_a_terminal_that_lacks_a_letter_gets_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row / 8},{('ä', 'ö')[row % 2]}\n" for row in range(60)))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    assert main(["new", str(tmp_path / "t.csv"), "--out", str(tmp_path / "e.json")]) == 0
    assert rb"classes \xe4, \xf6" in raw.getvalue()


HOSTILE = "ev\x1b[31mil\r\u202e\x07"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such name")
def test_no_name_of_a_file_moves_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row / 8},{'ab'[row % 2]}\n" for row in range(60)))
    made = tmp_path / f"{HOSTILE}.json"
    assert main(["new", str(tmp_path / "t.csv"), "--out", str(made)]) == 0
    assert main(["export", str(made), "--out", str(tmp_path / f"{HOSTILE}.py")]) == 0
    told = capsys.readouterr().out
    assert told.count("Written to") == 2 and told.count("ev\N{REPLACEMENT CHARACTER}[31mil") == 2
    assert all(letter == "\n" or letter.isprintable() for letter in told)


def test_the_name_of_an_experiment_stays_on_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row / 8},{'ab'[row % 2]}\n" for row in range(60)))
    made = tmp_path / "e.json"
    assert main(["new", str(tmp_path / "t.csv"), "--out", str(made)]) == 0
    made.write_text(json.dumps(json.loads(made.read_text()) | {"name": f"{HOSTILE}\n\0z"}))
    capsys.readouterr()
    assert main(["check", str(made)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("z: nothing wrong.") and line.isprintable()


def test_a_class_that_turns_the_line_round_is_escaped_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("a\u202eb", "c\u200dd")
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row / 8},{names[row % 2]}\n" for row in range(60)), "utf-8")
    assert main(["new", str(tmp_path / "t.csv"), "--out", str(tmp_path / "e.json"), "--json"]) == 0
    told = capsys.readouterr().out
    assert told.isascii() and json.loads(told)
