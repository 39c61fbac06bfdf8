"""The join file: what another machine needs to become a member of a cluster. Who holds it can run programs there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import time
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dnnstudio.core.atomic_files import read_bounded, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import date_text
from dnnstudio.core.versions import versions
from dnnstudio.runner.cluster.certificates import Pair

FORMAT = 1
MAX_BYTES = 2**16
TITLES = {
    "dnnstudio": "dnnstudio",
    "python": "Python",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "numpy": "NumPy",
    "distributed": "Dask distributed",
}
"""What has to be the same on all machines: the same run has the same figures only then, and Dask understands itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFile:
    """Where the scheduler listens, a certificate with its key (PEM), when they end (seconds since 1970), versions."""

    address: str
    authority: str
    certificate: str
    key: str
    expires: float
    versions: dict[str, str]

    @property
    def pair(self) -> Pair:
        return Pair(self.certificate, self.key)

    @property
    def until(self) -> str:
        """When it ends, in the local time."""
        return date_text(self.expires)


def own_versions() -> dict[str, str]:
    """The versions of this machine by the keys of `TITLES`; Python's without its last number, "" for what is absent."""
    found = versions()
    found["python"] = ".".join(found["python"].split(".")[:2])
    with contextlib.suppress(PackageNotFoundError):
        found["distributed"] = version("distributed")
    return {name: found.get(name, "") for name in TITLES}


def write_join_file(path: Path, join: JoinFile) -> None:
    """Write it so that only its owner can read it. Raises `UserError`."""
    before = os.umask(0o077)
    try:
        path.unlink(missing_ok=True)  # the mode of a file that is there would be kept
        write_atomically(path, (json.dumps({"format": FORMAT} | asdict(join), indent=2) + "\n").encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {reason_of(error)}.", "Give another path for it.") from None
    finally:
        os.umask(before)


def read_join_file(path: Path) -> JoinFile:
    """The join file, if it is still valid and of the same versions as this machine. Raises `UserError`."""
    join = _parsed(path)
    if join.expires <= time.time():
        raise UserError(
            f"{path.name} was valid until {join.until}; this machine cannot join by it any more.",
            "Start the cluster again, and take its new join file.",
        )
    own = own_versions()
    apart = [name for name in TITLES if join.versions.get(name) != own[name]]
    if apart:
        theirs = ", ".join(f"{TITLES[name]} {join.versions.get(name) or 'of no known version'}" for name in apart)
        ours = ", ".join(f"{TITLES[name]} {own[name] or 'not installed'}" for name in apart)
        raise UserError(
            f"The cluster has {theirs}, but this machine has {ours}.", "Install the same versions on both machines."
        )
    return join


PROBE_S = 5.0


def refused(join: JoinFile, error: BaseException) -> UserError:
    """What to say of a cluster that could not be joined: another one listens there, or none."""
    if _is_of_tls(error) or _is_another(join):
        return UserError(
            f"What listens at {join.address} is not the cluster of this join file.",
            "Take the file that the running cluster has written.",
        )
    return UserError(
        f"The cluster at {join.address} does not answer.", "Is it running, and does this machine reach it?"
    )


def _is_of_tls(error: BaseException | None) -> bool:
    return error is not None and (isinstance(error, ssl.SSLError) or _is_of_tls(error.__cause__ or error.__context__))


def _is_another(join: JoinFile) -> bool:
    """Whether what listens there has no certificate of this cluster: Dask tries until its time is over, and may tell of
    that alone.
    """
    there, context = urlsplit(join.address), ssl.create_default_context(cadata=join.authority)
    context.check_hostname = False  # the certificates are of the cluster, not of a machine
    try:
        with socket.create_connection((there.hostname, there.port), PROBE_S) as plain, context.wrap_socket(plain):
            return False
    except ssl.SSLError:
        return True
    except (OSError, ValueError):
        return False


def _parsed(path: Path) -> JoinFile:
    content = read_bounded(path, MAX_BYTES, what="how to join a cluster")
    try:
        plain: Any = json.loads(content)
        if plain.pop("format") != FORMAT:
            raise UserError(f"{path} is of another version of this program.", "Install the same version here.")
        texts = ("address", "authority", "certificate", "key")
        known = {field.name for field in fields(JoinFile)}
        if set(plain) != known or not all(isinstance(plain[name], str) for name in texts):
            raise ValueError("fields")
        made = JoinFile(**plain | {"expires": float(plain["expires"]), "versions": dict(plain["versions"])})
        _ = made.until  # a number that is a date
        return made
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError, RecursionError):
        raise UserError(f"{path} is no join file.", "Take the file that `dnnstudio cluster` has written.") from None
