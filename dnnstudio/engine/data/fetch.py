"""Downloads on request only: with progress, a checksum, and a clear message if there is no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import make_folder
from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.os_errors import reason_of
from dnnstudio.engine.data.known_files import STEMS, TITLES, own_folder
from dnnstudio.engine.data.reading import ProgressCall, Watch

MIRRORS: dict[str, tuple[str, ...]] = {
    "fashion_mnist": (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
}
# The SHA-256 and the bytes of each file, in the order of STEMS.
FILES: dict[str, tuple[tuple[str, int], ...]] = {
    "fashion_mnist": (
        ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880),
        ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515),
        ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102),
        ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148),
    ),
    "mnist": (
        ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422),
        ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881),
        ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877),
        ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542),
    ),
}
TIMEOUT_S = 15
CHUNK = 2**16


def download(kind: str, progress: ProgressCall | None = None, control: Control | None = None) -> Path:
    """Download the four files of `kind` (a key of `FILES`) to the program's own folder, and return that folder.

    Complete files are kept; every file is verified by its SHA-256 before it is moved into place. Raises `UserError`
    without a network or if the verification fails, `Cancelled` when the job is stopped.
    """
    folder = own_folder(kind)
    make_folder(folder)
    total = sum(size for _, size in FILES[kind])
    bar = _Bar(Watch(control, progress), total, f"Downloading {TITLES[kind]}")
    for stem, (sha256, size) in zip(STEMS, FILES[kind], strict=True):
        bar.check()
        _fetch(kind, f"{stem}.gz", sha256, folder, bar)
        bar.finish(size)
    return folder


class _Bar:
    """Progress of one file for pooch, with the interface of a tqdm bar."""

    def __init__(self, watch: Watch, total: int, text: str) -> None:
        self._watch = watch
        self._all = total
        self._text = text
        self._before = 0
        self._now = 0
        self.total = 0

    def update(self, count: int) -> None:
        self._now = min(self._now + count, self.total)
        self._watch.tell(min(self._before + self._now, self._all), self._all, self._text)

    def reset(self) -> None:
        self._now = 0

    def close(self) -> None:
        """Does nothing: there is nothing to release."""

    def check(self) -> None:
        self._watch.check()

    def finish(self, size: int) -> None:
        """One file is done; the total continues from here."""
        self._before += size
        self._now = 0
        self._watch.tell(self._before, self._all, self._text)


def _fetch(kind: str, name: str, sha256: str, folder: Path, bar: Any) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    fetcher = pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT_S, chunk_size=CHUNK)
    problem = ""
    for mirror in MIRRORS[kind]:
        bar.reset()
        try:
            pooch.retrieve(mirror + name, known_hash=f"sha256:{sha256}", fname=name, path=folder, downloader=fetcher)
            return
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
            problem = problem or "there is no connection to the internet, or a firewall is in the way"
        except requests.exceptions.RequestException as error:
            code = getattr(error.response, "status_code", None)
            problem = f"the server answered {code}" if code else "the server did not send it"
        except ValueError:
            problem = "what came is not the file that was published (its SHA-256 differs)"
        except OSError as error:
            raise UserError(f"{name} cannot be kept in {folder}: {reason_of(error)}.", "Free some space.") from None
    raise UserError(
        f"{TITLES[kind]} could not be downloaded: {problem}.",
        f"Try again later, or put the four files into {folder}.",
    )
