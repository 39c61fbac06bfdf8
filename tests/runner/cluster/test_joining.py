"""Who may join: join files that are old, foreign or of other versions are refused by a sentence, and so is no
certificate."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.runner.cluster.certificates import make_certificates
from dnnstudio.runner.cluster.client import capacity_of
from dnnstudio.runner.cluster.join_file import (
    FORMAT,
    TITLES,
    JoinFile,
    own_versions,
    read_join_file,
    refused,
    write_join_file,
)
from dnnstudio.runner.cluster.scheduler import listen_address, serve

from ..conftest import DIGITS
from .conftest import ROOT, Cluster

TLS_ALERT_BYTES = 7


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("alone"))
    try:
        made.start()
        yield made
    finally:
        made.end()


def join_file(**changes: object) -> JoinFile:
    now = datetime.now(UTC)
    made = make_certificates(now, now + timedelta(days=1))
    given = JoinFile(
        address="tls://127.0.0.1:9",
        authority=made.authority,
        certificate=made.member.certificate,
        key=made.member.key,
        expires=time.time() + 60,
        versions=own_versions(),
    )
    return replace(given, **changes)


def test_a_join_file_comes_back_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path, join = tmp_path / "join.json", join_file()
    path.write_text("older", encoding="utf-8")
    path.chmod(0o644)
    write_join_file(path, join)
    assert read_join_file(path) == join
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", TITLES)
def test_another_version_is_refused_by_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "join.json"
    write_join_file(path, join_file(versions=own_versions() | {name: "0.0.9"}))
    with pytest.raises(UserError, match=f"has {TITLES[name]} 0.0.9, but this machine has {TITLES[name]} "):
        read_join_file(path)


def test_the_versions_are_those_of_what_is_installed() -> None:
    import distributed
    import keras
    import tensorflow as tf

    told = own_versions()
    assert (told["keras"], told["distributed"]) == (keras.__version__, distributed.__version__)
    assert told["tensorflow"] == tf.__version__
    assert told["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_an_old_join_file_is_refused(tmp_path: Path) -> None:
    write_join_file(tmp_path / "join.json", join_file(expires=time.time() - 1))
    with pytest.raises(UserError, match=r"was valid until \d+ \w+ 20"):
        read_join_file(tmp_path / "join.json")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"format": 1}', "\x00", "[" * 60_000, '{"format": 1, "expires": 1e400}'],
    ids=["empty", "list", "object", "null", "only a format", "zero", "deep", "infinite"],
)
def test_what_is_no_join_file_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "join.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="is no join file"):
        read_join_file(path)


@pytest.mark.parametrize(
    "change", [{"expires": "soon"}, {"expires": 1e300}, {"address": 7}, {"versions": 3}, {"more": 1}]
)
def test_a_join_file_with_a_wrong_field_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "join.json"
    path.write_text(json.dumps({"format": FORMAT} | asdict(join_file()) | change), encoding="utf-8")
    with pytest.raises(UserError, match="is no join file"):
        read_join_file(path)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1", "127.0.0.1", 0), ("lab:8786", "lab", 8786), ("[::1]:5", "::1", 5), ("[::1]", "::1", 0)],
)
def test_an_address_has_a_port_or_not(text: str, host: str, port: int) -> None:
    assert listen_address(text) == (host, port)


@pytest.mark.parametrize("text", ["0.0.0.0", "", "::", "lab:http", "lab:70000", ":8786"])
def test_an_address_that_nobody_can_reach_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--listen is"):
        listen_address(text)


def answer_of(address: str, context: ssl.SSLContext) -> bytes:
    """What a cluster says to a client of this context; raises what the handshake raises."""
    host, port = re.fullmatch(r"tls://(.*):(\d+)", address).groups()
    with socket.create_connection((host, int(port)), 10) as plain, context.wrap_socket(plain) as connection:
        connection.settimeout(10)
        return connection.recv(1)


def test_a_client_without_a_certificate_of_the_cluster_is_refused(cluster: Cluster) -> None:
    join = cluster.join
    trusting = ssl.create_default_context(cadata=join.authority)
    trusting.check_hostname = False
    with pytest.raises((ssl.SSLError, ConnectionError)):  # TLS 1.3 tells with the first answer
        answer_of(join.address, trusting)
    host, port = re.fullmatch(r"tls://(.*):(\d+)", join.address).groups()
    with socket.create_connection((host, int(port)), 10) as plain:
        plain.settimeout(10)
        plain.sendall(b"no TLS at all")
        with contextlib.suppress(ConnectionError):
            assert len(plain.recv(100)) <= TLS_ALERT_BYTES
    foreign = join_file(address=join.address)
    with pytest.raises(UserError, match="is not the cluster of this join file"):
        capacity_of(foreign)
    write_join_file(cluster.folder / "foreign.json", foreign)
    words = ["worker", str(cluster.folder / "foreign.json"), "--folder", str(cluster.folder / "foreign")]
    command = [sys.executable, "-m", "dnnstudio.cli.main", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not the cluster of this join file" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cluster_without_workers_says_so(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    codec.save(DIGITS, tmp_path / "small.json")
    words = ["repeat", str(tmp_path / "small.json"), "--out", str(tmp_path / "out")]
    assert main([*words, "--cluster", str(cluster.join_path)]) == 2
    assert "No machine has joined the cluster to train." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_address_that_is_none_of_this_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^999\.1\.1\.1 cannot be listened to: .* Give an address of this machine"):
        serve(tmp_path / "join.json", listen="999.1.1.1", days=1, say=print)
    assert list(tmp_path.iterdir()) == []


def test_what_listens_asks_for_a_certificate_and_the_end_takes_the_join_file_away(tmp_path: Path) -> None:
    made = Cluster(tmp_path)
    made.start("one")
    ports = {
        connection.laddr
        for process in made.processes.values()
        for connection in psutil.Process(process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    made_context = ssl.create_default_context(cadata=made.join.authority)
    made_context.check_hostname = False
    assert len(ports) == 2, "the scheduler's and the worker's"
    for place in ports:
        assert place.ip == "127.0.0.1"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            answer_of(f"tls://{place.ip}:{place.port}", made_context)
    made.end()
    assert not made.join_path.exists()
    assert {process.returncode for process in made.processes.values()} == {0}


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("dask", "distributed", "cryptography"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from dnnstudio.cli.main import main

codes = [main(words.split("|")) for words in sys.argv[1:]]
assert not {"dask", "distributed", "cryptography"} & set(sys.modules)
print(codes)
"""


def test_without_the_extra_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    codec.save(DIGITS, tmp_path / "small.json")
    small, out = tmp_path / "small.json", tmp_path / "out"
    commands = [
        f"cluster|--join|{tmp_path / 'join.json'}",
        f"worker|{tmp_path / 'join.json'}",
        f"repeat|{small}|--out|{out}|--cluster|{tmp_path / 'join.json'}",
        f"sweep|{small}|--out|{out}|--vary|training.batch_size=8,16|--cluster|{tmp_path / 'join.json'}",
        "repeat|--help",
        f"check|{small}",
    ]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *commands], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[2, 2, 2, 2, 0, 0]"
    said = "need packages that are not installed: dask, distributed, cryptography. Install it by: pip install"
    assert done.stderr.count(said) == 4
    assert len(done.stderr.splitlines()) == 4


def test_another_cluster_is_told_from_silence_whatever_dask_says(cluster: Cluster) -> None:
    """On a busy machine Dask gives up by its time alone, without what its last try met."""
    foreign = join_file(address=cluster.join.address)
    assert "is not the cluster of this join file" in str(refused(foreign, TimeoutError("timed out")))
    assert "does not answer" in str(refused(cluster.join, TimeoutError("timed out")))
    nobody = replace(foreign, address="tls://127.0.0.1:9")
    assert "does not answer" in str(refused(nobody, OSError("connection refused")))
