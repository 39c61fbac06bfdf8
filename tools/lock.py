"""Write requirements.txt and requirements-test.txt from pyproject.toml: exact versions with hashes, for every platform.

With `--keep` the versions pinned so far stay, and only what is new is chosen.

Needs `uv` on the path or in the environment (`pip install uv`). The files name no package index: pip takes its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# {what} Written by `make lock` from pyproject.toml; do not edit.\n"


def compile_lock(*arguments: str) -> list[str]:
    """The locked packages, one text a package with its hashes, in the order of their names."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "lock.txt"
        command = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"]
        options = ["--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        subprocess.run([*command, *options, *arguments, "--quiet", "-o", str(target)], cwd=ROOT, check=True)
        return re.findall(r"^\S.*(?:\n[ \t].*)*", target.read_text(), re.MULTILINE)


def main() -> int:
    """Write both files."""
    keep: list[str] = []
    if "--keep" in sys.argv[1:]:
        for name in ("requirements.txt", "requirements-test.txt"):
            pins = re.sub(r"^-r .*$", "", (ROOT / name).read_text(), flags=re.MULTILINE)
            with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
                file.write(pins)
            keep += ["--constraint", file.name]
    run = compile_lock(*keep)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        file.write("\n".join(run))
    constraints = Path(file.name)
    try:
        everything = compile_lock("--extra", "test", "--constraint", str(constraints), *keep)
    finally:
        for file_name in (str(constraints), *keep[1::2]):
            Path(file_name).unlink()
    extra = [package for package in everything if package not in run]
    written = (
        ("requirements.txt", "What the program needs, pinned.", run),
        ("requirements-test.txt", "What the tests need besides, pinned.", ["-r requirements.txt", *extra]),
    )
    for name, what, packages in written:
        (ROOT / name).write_text(HEADER.format(what=what) + "\n".join(packages) + "\n")
    print(f"{len(run)} packages to run, {len(extra)} more to test")
    return 0


if __name__ == "__main__":
    sys.exit(main())
