"""Space on a disk is taken before it is mapped into memory."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dnnstudio.core.atomic_files import reserve


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="only where space can be reserved at once")
@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL])
def test_space_is_reserved_by_zeros_where_the_drive_has_no_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(handle: int, start: int, size: int) -> None:
        raise OSError(code, "no such thing")

    size = 2**20 + 7
    with (tmp_path / "by itself").open("w+b") as file:
        reserve(file, size)
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with (tmp_path / "by zeros").open("w+b") as file:
        reserve(file, size)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == bytes(size)


RESERVE = """
import errno, mmap, os, sys
from dnnstudio.core.atomic_files import reserve
if sys.argv[2] == "zeros":
    del os.posix_fallocate
for size in (2**19, 2**22):
    try:
        with open(os.path.join(sys.argv[1], "passes"), "w+b") as file:
            reserve(file, size)
            mmap.mmap(file.fileno(), size)[:] = b"1" * size  # ends the process where there is no space behind it
        print("written")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


@pytest.mark.parametrize("way", ["at once", "zeros"])
def test_what_is_mapped_on_a_full_disk_is_refused_and_ends_no_process(tmp_path: Path, way: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("mounting a small file system needs Linux and root")
    mount = f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec "{sys.executable}" - "{tmp_path}" "{way}"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount],
        input=RESERVE,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=120,
        check=False,
    )
    if "unshare failed" in done.stderr or ("mount" in done.stderr and "denied" in done.stderr):
        pytest.skip("this container may not mount")
    assert (done.returncode, done.stdout.split()) == (0, ["written", "ENOSPC"]), done.stderr
