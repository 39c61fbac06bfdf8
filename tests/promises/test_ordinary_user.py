"""The matrix as an ordinary user: the tests of its rows pass without root's privileges, which hide what is forbidden.

`setpriv` drops them; home, settings and temporary files lie in a folder of that user.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.promises.matrix.rows import Part, shown_by

ROOT = Path(__file__).parents[2]
NOBODY = 65534
STARTS = "import pytest, numpy, dnnstudio, subprocess, sys; subprocess.run([sys.executable, '-V'], check=True)"
MAKES_USERS = ("cli/test_ordinary_user.py",)
"""Tests that become an ordinary user by themselves, for which they must be root."""


def files_of(part: Part) -> list[str]:
    """The files with the tests of a part's rows, apart from long counts and those that must be root."""
    found = dict.fromkeys(test.split("::")[0] for test in shown_by(part))
    return [f"tests/{name}" for name in found if not name.startswith(("promises", "soak")) and name not in MAKES_USERS]


def opened(*needed: Path) -> str:
    """Shell commands that, in a mount namespace of their own, let others enter the way to folders that they need.

    A Python below root's home starts, but could start no process of its own. The closed folder is covered by an empty
    one, in which what is needed of it lies again.
    """
    lines = []
    for number, place in enumerate(dict.fromkeys(path.resolve() for path in needed)):
        closed = [above for above in place.parents if not above.stat().st_mode & 0o001]
        if closed:
            aside = f'"$ASIDE/{number}"'
            lines.append(f'mkdir {aside} && mount --bind "{place}" {aside}')
            lines.append(f'mount -t tmpfs -o mode=755 tmpfs "{closed[-1]}" && mkdir -p "{place}"')
            lines.append(f'mount --bind {aside} "{place}"')
    return "".join(f"{line} && " for line in lines)


def as_nobody(folder: Path, *words: str, timeout: int = 1700) -> subprocess.CompletedProcess[str]:
    """Run a command as a user whom nothing belongs to but `folder`. Skips where nobody can become one."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become an ordinary user")
    folder.chmod(0o755)
    os.chown(folder, NOBODY, NOBODY)
    user = f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --no-new-privs"
    script = f'{opened(Path(sys.base_prefix), Path(sys.prefix), ROOT)}cd "{ROOT}" && exec {user} "$@"'
    places = {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    more = {"PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
    with tempfile.TemporaryDirectory() as aside:
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", *words],
            env=os.environ | places | more | {"ASIDE": aside}, capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of the user, outside of root's own. Skips where the user may not read Python or this checkout."""
    with tempfile.TemporaryDirectory(prefix="dnnstudio-user-") as name:
        if as_nobody(Path(name), sys.executable, "-c", STARTS, timeout=60).returncode:
            pytest.skip("an ordinary user may not read this Python or this checkout")
        yield Path(name)


def test_it_is_an_ordinary_user(tmp_path: Path, home: Path) -> None:
    """The instrument itself: root's files are closed, and no privilege is left."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o600)
    code = f"import os; print(os.geteuid(), os.access({str(tmp_path / 'secret')!r}, os.R_OK), os.getgroups())"
    done = as_nobody(home, sys.executable, "-c", code)
    assert done.stdout.strip() == f"{NOBODY} False []", done.stderr


@pytest.mark.promise
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", get_args(Part))
def test_the_rows_hold_without_root_s_privileges(part: Part, home: Path, figure: Any) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-m", "not thorough", "-p", "no:cacheprovider"]
    done = as_nobody(home, *words, f"--basetemp={home / 'tests'}", *files_of(part))
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    figure(3, "tests of the matrix passed as an ordinary user", counts.get("passed", 0), of=sum(counts.values()))
    assert set(counts) == {"passed"}, done.stdout[-6000:] + done.stderr[-2000:]
    assert counts["passed"] > 50
