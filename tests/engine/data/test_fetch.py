from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, FashionMNIST, FirstRows
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import builtin, describe, download, fetch
from dnnstudio.engine.data.known_files import STEMS

from .conftest import idx_bytes, pictures

Answer = Callable[[str], requests.Response]


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A small Fashion-MNIST, its checksums known to the program, and an empty own folder; the server is `serve`'s."""
    x, y = pictures(60, classes=10, side=28)
    contents = [idx_bytes(array) for array in (x, y, x[:20], y[:20])]
    files = tuple((hashlib.sha256(content).hexdigest(), len(content)) for content in contents)
    monkeypatch.setitem(fetch.FILES, "fashion_mnist", files)
    for module in (builtin, fetch):
        monkeypatch.setattr(module, "own_folder", lambda kind: tmp_path / "own")
    monkeypatch.setattr(builtin, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return {f"{stem}.gz": content for stem, content in zip(STEMS, contents, strict=True)}


def serve(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[str]:
    """All requests go to `answer`; gives the list that collects their addresses."""
    asked: list[str] = []

    def get(url: str, **options: object) -> requests.Response:
        assert options["timeout"]
        asked.append(url)
        return answer(url)

    monkeypatch.setattr(requests, "get", get)
    return asked


def response(content: bytes, status: int = 200) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.raw = io.BytesIO(content)
    made.headers["content-length"] = str(len(content))
    return made


def test_four_files_come_with_progress_and_are_found_afterwards(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = serve(monkeypatch, lambda url: response(published[url.rsplit("/", 1)[1]]))
    told: list[tuple[int, int]] = []
    folder = download("fashion_mnist", lambda done, total, text: told.append((done, total)))
    assert folder == tmp_path / "own"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == published
    total = sum(map(len, published.values()))
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert builtin.find("fashion_mnist") == folder
    assert len(asked) == 4
    download("fashion_mnist")
    assert len(asked) == 4, "what is there and whole is not fetched again"
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    download("fashion_mnist")
    assert len(asked) == 5


def test_reading_downloads_only_when_allowed(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = serve(monkeypatch, lambda url: response(published[url.rsplit("/", 1)[1]]))
    data = Data(source=FashionMNIST(), validation=FirstRows(count=20))
    with pytest.raises(UserError, match="not on this computer"):
        describe(data, seed=1)
    assert asked == []
    assert describe(data, seed=1, download=True).summary.counts == (40, 20, 20)
    assert len(asked) == 4


def offline(url: str) -> requests.Response:
    raise requests.exceptions.ConnectionError("no route")


def slow(url: str) -> requests.Response:
    raise requests.exceptions.ReadTimeout("slow")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (offline, "no connection to the internet"),
        (slow, "no connection to the internet"),
        (lambda url: response(b"", 404), "the server answered 404"),
        (lambda url: response(b"other bytes"), "its SHA-256 differs"),
    ],
)
def test_a_download_that_fails_leaves_nothing_and_says_why(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: Answer, words: str
) -> None:
    asked = serve(monkeypatch, answer)
    with pytest.raises(UserError) as caught:
        download("fashion_mnist")
    assert str(caught.value).startswith("Fashion-MNIST could not be downloaded: ")
    assert words in str(caught.value)
    assert len(asked) == 2, "both mirrors are tried"
    assert list((tmp_path / "own").iterdir()) == []


def test_the_second_mirror_helps(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch.MIRRORS["fashion_mnist"][0]
    serve(
        monkeypatch,
        lambda url: offline(url) if url.startswith(first) else response(published[url.rsplit("/", 1)[1]]),
    )
    assert builtin.find("fashion_mnist") is None
    download("fashion_mnist")
    assert builtin.find("fashion_mnist") is not None


def test_a_download_is_cancelled_in_mid_file(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, lambda url: response(published[url.rsplit("/", 1)[1]]))
    control = Control()
    with pytest.raises(Cancelled):
        download("fashion_mnist", lambda done, total, text: control.stop(), control)
    assert [path.name for path in (tmp_path / "own").iterdir()] in ([], ["train-images-idx3-ubyte.gz"])


def test_a_folder_that_cannot_be_made_is_a_user_error(
    published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own").write_text("a file is in the way")
    with pytest.raises(UserError, match="cannot be made"):
        download("fashion_mnist")


def test_the_published_files_have_the_sizes_of_the_chapter() -> None:
    for kind, files in fetch.FILES.items():
        assert len(files) == len(STEMS)
        assert all(len(sha256) == 64 and int(sha256, 16) for sha256, _ in files)
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in fetch.MIRRORS[kind])
