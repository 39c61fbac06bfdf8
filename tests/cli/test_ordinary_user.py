"""An ordinary user, whom the system forbids things: each is one short sentence, for every command that takes a path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dnnstudio.core.errors import LONGEST

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
EXPERIMENT = {
    "name": "Small",
    "data": {"source": {"kind": "digits"}},
    "layers": [{"kind": "flatten", "id": "flatten"}, {"kind": "dense", "id": "output", "units": 10}],
}
TRY = """
import contextlib, io, json, os, statistics, sys, traceback, xml.parsers.expat
from pathlib import Path
from dnnstudio.cli.main import main
from dnnstudio.core.os_errors import is_file_there, is_there
from dnnstudio.core.workspace.runs import run_folders, sweep_workspace

def attempt(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except BaseException:
            code = traceback.format_exc()
    return [words, code, err.getvalue()]

def commands(path, good):
    yield ["check", path]
    yield ["new", path, "--out", "new.json"]
    yield ["run", path, "--out", "out"]
    yield ["run", good, "--out", path]
    yield ["predict", path, path]

paths, good, nothing, user = json.load(sys.stdin)
for words in commands(nothing, nothing):
    attempt(words)  # as root, whose Python an ordinary user may not read: what is imported now is there
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
said = [attempt(words) for path in paths for words in commands(path, good)]
for path in paths:
    for look in (is_there, is_file_there, run_folders, sweep_workspace):
        look(Path(path))
json.dump(said, sys.stdout)
"""


@pytest.fixture
def forbidden(tmp_path: Path) -> list[str]:
    """Paths with which an ordinary user can do nothing."""
    tmp_path.chmod(0o755)
    experiment = json.dumps(EXPERIMENT)
    for name in ("locked", "unlisted", "fixed"):
        run = tmp_path / name / "run"
        run.mkdir(parents=True)
        for path in (run / "experiment.json", tmp_path / name / "a.json", tmp_path / name / "table.csv"):
            path.write_text(experiment)
    (tmp_path / "secret.json").write_text(experiment)
    (tmp_path / "secret.json").chmod(0o600)
    (tmp_path / "secret.keras").write_bytes(b"PK\x03\x04")
    (tmp_path / "secret.keras").chmod(0o000)
    for name, target in {
        "to_locked.json": "locked/a.json",
        "to_secret.json": "secret.json",
        "to_nothing.json": "nothing.json",
        "round.json": "round.json",
        "to_locked": "locked",
        "to_shadow.json": "/etc/shadow",
    }.items():
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe.json", 0o644)
    (tmp_path / "unlisted").chmod(0o711)
    (tmp_path / "unlisted" / "a.json").chmod(0o600)
    (tmp_path / "unlisted" / "run").chmod(0o700)
    (tmp_path / "fixed" / "a.json").chmod(0o000)
    (tmp_path / "fixed").chmod(0o555)
    (tmp_path / "locked").chmod(0o700)
    inside = (
        *("locked", "locked/a.json", "locked/run", "locked/run/experiment.json", "locked/table.csv", "locked/new.csv"),
        *("secret.json", "secret.keras", "unlisted/a.json", "unlisted/run", "unlisted/run/new", "fixed/a.json"),
        *("fixed/new", "to_locked.json", "to_secret.json", "to_nothing.json", "round.json", "to_locked/a.json"),
        *("to_shadow.json", "pipe.json", "secret.json/inside", "n" * 300, "n" * 300 + ".json", "d/" * 2500 + "a.json"),
        *("\u202e\x1b[31m.json", "nothing\x1b]0;title\x07.csv"),
    )
    first = Path("/proc/1")
    of_others = (Path("~root").expanduser() / "a.json", first / "mem", first / "root" / "a.json", first / "root")
    outside = ("~nobody/a.json", "~root/a.json", *map(str, of_others))
    odd = ("", "a\0b.json", "\udce9.json", "/")
    return [str(tmp_path / path) for path in inside] + [*outside, *odd]


@pytest.mark.skipif(sys.platform != "linux", reason="permissions as on Linux")
def test_whatever_is_forbidden_is_one_short_sentence(tmp_path: Path, forbidden: list[str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make what an ordinary user may not see")
    assert len(forbidden) >= 36
    good, home = tmp_path / "good.json", tmp_path / "home"
    good.write_text(json.dumps(EXPERIMENT))
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {name: str(home) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TMPDIR")}
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        input=json.dumps([forbidden, str(good), str(tmp_path / "not there.csv"), NOBODY]),
        cwd=home,
        env=environment,
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wrong = [
        (words, code, said)
        for words, code, said in json.loads(done.stdout)
        if code != 2 or not 10 < len(said) <= LONGEST + 100 or said.count("\n") > 1 or not said.strip().isprintable()
    ]
    assert wrong == []
    assert not (tmp_path / "locked" / "new.csv").exists()
