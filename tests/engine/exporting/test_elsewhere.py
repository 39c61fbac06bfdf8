"""A bundle made by one run is opened by another user, in another home and under another path, and proves itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import dnnstudio
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.bundles import WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.engine.session import Session

pytestmark = pytest.mark.thorough
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def interpreter_of_all() -> str | None:
    """A Python of this version that an ordinary user may start; this one may lie in the home of root."""
    minor = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which(minor, path="/usr/local/bin:/usr/bin")):
        if candidate is not None and shutil.which("setpriv") is not None:
            again = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import ssl'], check=True)"
            found = subprocess.run([*AS_NOBODY, candidate, "-c", again], capture_output=True, check=False)
            if found.returncode == 0:
                return candidate
    return None


@pytest.fixture
def away() -> Iterator[Path]:
    """A folder of the other user, whom pytest's own folders do not let in."""
    folder = Path(tempfile.mkdtemp(prefix="elsewhere-"))
    os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may run a command as another user")
def test_another_user_opens_it_under_another_path(tmp_path: Path, away: Path) -> None:
    python = interpreter_of_all()
    if python is None:
        pytest.skip("no Python of this version that an ordinary user may start, or no setpriv")
    layers = (Flatten(id="flatten"), Dropout(id="drop", rate=0.2), Dense(id="out", units=10, activation="softmax"))
    experiment = Experiment(
        data=Data(train_limit=300, scaling="standardize"), layers=layers, training=Training(epochs=2)
    )
    session = Session()
    session.run(TrainRun(experiment=experiment, folder=tmp_path / "run"), Control(), lambda event: None)
    session.run(WriteBundle(model=tmp_path / "run", path=away / "a.dnnstudio"), Control(), lambda event: None)
    (away / "a.dnnstudio").chmod(0o644)
    packages = [folder for folder in sys.path if folder.endswith("site-packages")]
    environment = {
        "HOME": str(away),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join([str(Path(dnnstudio.__file__).parent.parent), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    opened = subprocess.run(
        [*AS_NOBODY, python, "-m", "dnnstudio", "open-bundle", "a.dnnstudio", "--out", "mine/again"],
        cwd=away,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert opened.returncode == 0, opened.stderr
    assert "It computes the same here (1e-7), on 10 test inputs" in opened.stdout
    arrived = away / "mine" / "again"
    assert arrived.stat().st_uid == NOBODY
    assert (arrived / "model.keras").read_bytes() == (tmp_path / "run" / "model.keras").read_bytes()
    assert sorted(item.name for item in (away / "mine").iterdir()) == ["again"]
