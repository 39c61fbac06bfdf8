"""Try `dnnstudio new`, `check` and `run` on the tables of public packages: does a person's own table open?

The packages hold hundreds of real tables. They are unpacked into a folder outside of the project and are no part of it.
Every refusal is printed with its sentence, to be looked at. Needs the network once (pip).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("pydataset", "statsmodels", "palmerpenguins", "vega_datasets", "mlxtend")
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".dat")
ROWS, COLUMNS = 20, 2
SAMPLE = 60
SEED = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one table: "" or the sentence that refused it, and whether it was trained."""

    name: str
    refusal: str
    seconds: float


def fetch(folder: Path) -> None:
    """Download the packages and unpack their tables into `folder`."""
    with tempfile.TemporaryDirectory() as wheels:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, *PACKAGES]
        subprocess.run(command, check=True)
        for archive in sorted(Path(wheels).iterdir()):
            name = archive.name.split("-")[0]
            for member, content in members(archive):
                if member.lower().endswith(SUFFIXES) and "/tests/" not in member and "/._" not in member:
                    place = folder / name / member.replace("/", "__")
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a wheel or source archive, and of an archive inside of it."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                yield from opened(name, packed.read(name))
    else:
        with tarfile.open(archive) as packed_tar:
            yield from tar_members(packed_tar)


def tar_members(packed: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """The plain files of a tar archive."""
    for entry in packed:
        file = packed.extractfile(entry) if entry.isfile() else None
        if file is not None:
            yield from opened(entry.name, file.read())


def opened(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file, or the files inside of it where it is an archive."""
    if name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(fileobj=io.BytesIO(content)) as inner:
            yield from tar_members(inner)
    else:
        yield name, content


def tables(folder: Path) -> list[Path]:
    """The files that hold at least 20 rows and 2 columns of text, by a look at their lines alone."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.stat().st_size > 100 * 2**20:
            continue
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        if len(lines) > ROWS and any(lines[1].count(sign) >= COLUMNS - 1 for sign in (b",", b";", b"\t", b"|")):
            found.append(path)
    return found


def try_table(path: Path, out: Path) -> Outcome:
    """`new` and `check` on one table."""
    experiment = str(place_of(path, out))
    return tried(path, ["new", str(path), "--out", experiment], ["check", experiment])


def run_table(path: Path, out: Path, epochs: int) -> Outcome:
    """`run` on the experiment of one table."""
    experiment = place_of(path, out)
    return tried(path, ["run", str(experiment), "--out", str(out / "runs" / experiment.stem), "--epochs", str(epochs)])


def place_of(path: Path, out: Path) -> Path:
    """Where the experiment of a table is kept."""
    return out / f"{path.parent.name}__{path.name.removesuffix('.gz').rpartition('.')[0]}.json"


def tried(path: Path, *commands: list[str]) -> Outcome:
    """The commands one after the other, until one refuses; what it says then is the refusal."""
    from dnnstudio.cli.main import main

    started, refusal = time.perf_counter(), ""
    for words in commands:
        said, told = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(told):
            try:
                code = main(words)
            except Exception as error:  # a defect of the program: told like a refusal, so that the others are tried too
                code, refusal = 1, f"BROKEN: {error!r}"
        if code != 0:
            errors = [line for line in told.getvalue().splitlines() if line.startswith("error")]
            refusal = refusal or " ".join(errors) or said.getvalue().strip() or f"exit code {code}"
            break
    return Outcome(str(path), refusal, time.perf_counter() - started)


def report(outcomes: list[Outcome], what: str) -> None:
    """The share that went well, and every refusal with its sentence."""
    good = sum(not outcome.refusal for outcome in outcomes)
    share = 100 * good / max(1, len(outcomes))
    seconds = sum(outcome.seconds for outcome in outcomes)
    print(f"{what}: {good:,} of {len(outcomes):,} tables ({share:.1f} %) in {seconds:.0f} s")
    for outcome in outcomes:
        if outcome.refusal:
            print(f"  {outcome.name}: {outcome.refusal}")


def main() -> int:
    """Fetch, try all, run a sample. The exit code is 1 where fewer than 95 % open."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the tables are, or are to be unpacked")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many tables are trained")
    parser.add_argument("--epochs", type=int, default=5, help="for how many epochs each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "tables"
        if not folder.is_dir():
            fetch(folder)
        out = Path(temporary) / "experiments"
        out.mkdir()
        found = tables(folder)
        opened_ = [try_table(path, out) for path in found]
        report(opened_, "new and check")
        able = [Path(outcome.name) for outcome in opened_ if not outcome.refusal]
        chosen = random.Random(SEED).sample(able, min(given.sample, len(able)))
        report([run_table(path, out, given.epochs) for path in chosen], "run")
    return int(len(able) < 0.95 * len(found))


if __name__ == "__main__":
    sys.exit(main())
