"""What the extra `dnnstudio[cluster]` installs, and how Dask is set up before it is first imported."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from distributed.security import Security

    from dnnstudio.runner.cluster.certificates import Pair

PACKAGES = ("dask", "distributed", "cryptography")
_QUIET = "critical"
SETTINGS: dict[str, Any] = {
    # A machine may be away for half a minute; only after these it is given up and its runs are done elsewhere.
    "distributed.comm.timeouts.tcp": "60s",
    "distributed.scheduler.worker-ttl": "2 minutes",
    "distributed.comm.timeouts.connect": "15s",
    # A dead training is a failed run, no dead worker: only machines that go away count here.
    "distributed.scheduler.allowed-failures": 5,
    # One training for each thread of a worker, and no queue of its own.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.admin.low-level-log-length": 100,
    # No page to look at: nothing listens that does not ask for a certificate.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.diagnostics.nvml": False,
    "distributed.comm.offload": False,
    # What a training is sent by the graph is a letter of a few kilobytes; files go by `parcels`.
    "distributed.admin.tick.limit": "30s",
    "logging": {"distributed": _QUIET, "distributed.client": _QUIET, "bokeh": _QUIET, "tornado": _QUIET},
}


def require() -> None:
    """Raises `UserError` where the extra is not installed, without importing any of it."""
    missing = [name for name in PACKAGES if not _is_installed(name)]
    if missing:
        raise UserError(
            f"Trainings on other machines need packages that are not installed: {', '.join(missing)}.",
            'Install it by: pip install "dnnstudio[cluster]".',
        )


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def prepare() -> None:
    """Require the extra and set Dask up, which must come before distributed is imported. Raises `UserError`."""
    require()
    import dask.config

    dask.config.set(SETTINGS)


def security_of(authority: str, pair: Pair) -> Security:
    """Mutual TLS: both sides need a certificate of the authority. All three are PEM texts, kept in memory."""
    from distributed.security import Security

    return Security(
        require_encryption=True,
        tls_ca_file=authority,
        tls_scheduler_cert=pair.certificate,
        tls_scheduler_key=pair.key,
        tls_worker_cert=pair.certificate,
        tls_worker_key=pair.key,
        tls_client_cert=pair.certificate,
        tls_client_key=pair.key,
    )
