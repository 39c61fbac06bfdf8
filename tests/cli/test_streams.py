"""What becomes of a command whose output cannot be written, and of one whose working folder is gone."""

from __future__ import annotations

import csv
import errno
import inspect
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.cli.main import PRINTERS, VERBS, main
from dnnstudio.cli.streams import LastingStream, lasting_streams, why_output_was_lost

ROOT = Path(__file__).resolve().parents[2]
FULL = "The output could not be written: the disk is full.\n"
GONE = "The folder that you are in was removed: change to another one."

with_shell = pytest.mark.skipif(os.name == "nt", reason="Windows has no sh that redirects and closes streams")
with_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
ALL_CLOSED = "<&- >&- 2>&-"


def ended(script: str, *arguments: str, cwd: Path = ROOT) -> tuple[int, str, str]:
    """The exit code of a script of the shell, of which `"$@"` is the command, what it prints, and what on stderr."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "dnnstudio", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def without_reader(*arguments: str) -> tuple[int, str]:
    """The exit code of a command whose reader is gone before it prints anything, and what it says on stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dnnstudio", *arguments],
            cwd=ROOT,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """A network small enough to train in a moment."""
    plain: dict[str, Any] = {
        "name": "Small",
        "data": {"source": {"kind": "digits"}, "train_limit": 300},
        "layers": [
            {"kind": "flatten", "id": "flatten"},
            {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
        ],
        "training": {"epochs": 3},
    }
    path = tmp_path / "digits.json"
    path.write_text(json.dumps(plain))
    return path


def require_whole(run: Path, *, epochs: int) -> None:
    with (run / "history.csv").open() as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(1, epochs + 1))
    assert json.loads((run / "metrics.json").read_text())["reason"] == "finished"
    assert (run / "model.keras").stat().st_size


@with_shell
@pytest.mark.parametrize(
    "redirected",
    [
        pytest.param(">/dev/full", marks=with_full),
        pytest.param(">/dev/full 2>&1", marks=with_full),
        ALL_CLOSED,
    ],
)
def test_a_training_goes_on_to_its_end_whatever_happens_to_what_it_prints(
    tmp_path: Path, experiment: Path, redirected: str
) -> None:
    run = tmp_path / "run"
    assert ended(f'"$@" {redirected}', "run", str(experiment), "--out", str(run)) == (0, "", "")
    require_whole(run, epochs=3)


@with_shell
def test_a_training_goes_on_to_its_end_when_its_reader_is_gone(tmp_path: Path, experiment: Path) -> None:
    run = tmp_path / "run"
    assert without_reader("run", str(experiment), "--out", str(run)) == (0, "")
    require_whole(run, epochs=3)


@with_shell
def test_trainings_in_other_processes_go_on_to_their_end_when_the_reader_is_gone(
    tmp_path: Path, experiment: Path
) -> None:
    out = tmp_path / "repeat"
    arguments = ["--seeds", "2", "--jobs", "1", "--threads", "1", "--set", "training.epochs=1"]
    assert without_reader("repeat", str(experiment), "--out", str(out), *arguments) == (0, "")
    assert json.loads((out / "metrics.json").read_text())["missing"] == []
    runs = [path.parent for path in out.rglob("history.csv")]
    assert len(runs) == 2
    for run in runs:
        require_whole(run, epochs=1)


@with_full
@pytest.mark.parametrize("words", ["recipes", "schema", "check digits", "--help", "--version", "recipes --help"])
def test_an_output_that_the_disk_has_no_room_for_is_refused_in_a_sentence(experiment: Path, words: str) -> None:
    arguments = words.replace("digits", str(experiment)).split()
    assert ended('"$@" >/dev/full', *arguments) == (2, "", FULL)


@with_full
@pytest.mark.parametrize("words", ["recipes", "check nowhere.json"])
def test_the_exit_code_is_that_of_a_refusal_also_where_nothing_can_be_said(words: str) -> None:
    assert ended('"$@" >/dev/full 2>&1', *words.split()) == (2, "", "")


@with_full
def test_a_full_stderr_spoils_no_output() -> None:
    assert ended('"$@" 2>/dev/full', "check", "nowhere.json") == (2, "", "")
    assert ended('"$@" 2>/dev/full', "recipes") == ended('"$@"', "recipes")


@with_full
def test_a_command_that_writes_a_file_counts_by_the_file(tmp_path: Path, experiment: Path) -> None:
    out = tmp_path / "written.py"
    assert ended('"$@" >/dev/full', "export", str(experiment), "--out", str(out)) == (0, "", "")
    assert "keras" in out.read_text()


@with_shell
@pytest.mark.parametrize("redirected", [">&-", "2>&-", "<&-", ALL_CLOSED])
def test_closed_streams_change_no_exit_code(redirected: str) -> None:
    code, _, said = ended(f'"$@" {redirected}', "recipes")
    assert (code, said) == (0, "")
    code, said, _ = ended(f'"$@" {redirected}', "check", "nowhere.json")
    assert (code, said) == (2, "")


@with_shell
@pytest.mark.parametrize("words", ["recipes", "schema"])
def test_a_reader_that_has_read_enough_ends_a_command_quietly(words: str) -> None:
    assert without_reader(words) == (0, "")


@with_shell
def test_no_file_gets_the_number_of_a_closed_stream() -> None:
    script = """
import sys
from dnnstudio.cli.streams import lasting_streams
with lasting_streams(), open(sys.argv[1]) as file:
    sys.exit(file.fileno())
"""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {ALL_CLOSED}', "sh", sys.executable, "-c", script, __file__], cwd=ROOT, timeout=60
    )
    assert done.returncode > 2


def test_a_stream_says_nothing_any_more_after_its_first_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.StringIO):
        def write(self, text: str) -> int:
            if text == "second":
                raise OSError(errno.EIO, "Input/output error")
            return super().write(text)

    stream = Failing()
    monkeypatch.setattr(sys, "stdout", stream)
    with lasting_streams() as output:
        for text in ("first", "second", "third"):
            print(text, end="")
        assert why_output_was_lost(output) == "The output could not be written: the disk reports an error."
    assert stream.getvalue() == "first"
    assert sys.stdout is stream


def test_a_stream_that_was_closed_takes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["recipes"]) == 0
    assert main(["check", "nowhere.json"]) == 2
    stream = LastingStream(None)
    assert stream.write("text") == 4
    assert not why_output_was_lost(stream)


def test_every_command_that_writes_no_file_is_known_to_give_what_it_prints() -> None:
    written = {"new", "open", "cluster", "worker"}
    for group in VERBS:
        for command in group.registered_commands:
            assert command.callback is not None
            name = command.name or command.callback.__name__
            out = inspect.signature(command.callback).parameters.get("out")
            only_prints = name not in written and (out is None or out.default is None)
            assert (name in PRINTERS) == only_prints, name


@with_shell
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("new table.csv", GONE),
        ("run DIGITS --out run", GONE),
        ("check digits.json", f"digits.json does not exist. Check the path. {GONE}"),
        (
            "export DIGITS --out run.py",
            f"run.py cannot be written: the file or its folder does not exist. Save it elsewhere. {GONE}",
        ),
    ],
)
def test_a_path_in_a_working_folder_that_is_gone_is_refused(
    tmp_path: Path, experiment: Path, words: str, said: str
) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    arguments = words.replace("DIGITS", str(experiment)).split()
    assert ended('rmdir "$PWD"; "$@"', *arguments, cwd=place) == (2, "", f"{said}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.json"]


@with_shell
def test_a_whole_path_is_read_from_a_working_folder_that_is_gone(tmp_path: Path, experiment: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    assert ended('rmdir "$PWD"; "$@"', "check", str(experiment), cwd=place) == (0, "Small: nothing wrong.\n", "")
