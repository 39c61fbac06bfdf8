"""`dnnstudio cluster`: the scheduler that workers and clients join by a file, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import count_of
from dnnstudio.runner.cluster.certificates import make_certificates
from dnnstudio.runner.cluster.extra import prepare, security_of
from dnnstudio.runner.cluster.join_file import JoinFile, own_versions, write_join_file
from dnnstudio.runner.cluster.worker import Say, stop_wish

if TYPE_CHECKING:
    from distributed import Scheduler
    from distributed.security import Security

EVERYWHERE = ("0.0.0.0", "::", "")


def listen_address(text: str) -> tuple[str, int]:
    """Host and port (0: any that is free) of HOST or HOST:PORT or [HOST]:PORT. Raises `UserError`."""
    host, port = text, "0"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "0"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise UserError(
            f'--listen is "{text}"; its port must be a number up to 65535.', "For example: 192.168.1.5:8786."
        )
    if host.strip() in EVERYWHERE:
        raise UserError(
            f'--listen is "{text}", which is no address that another machine can reach.',
            "Give this machine's own address or name in the network.",
        )
    return host, int(port)


def serve(path: Path, *, listen: str, days: float, say: Say) -> None:
    """Run a scheduler and write its join file to `path`, valid for `days`; both end on SIGINT or SIGTERM, or by then.

    `say` is told, in sentences, what happens. Raises `UserError` where the address cannot be used.
    """
    host, port = listen_address(listen)
    prepare()
    asyncio.run(_serve(path, host, port, days=days, say=say))


async def _serve(path: Path, host: str, port: int, *, days: float, say: Say) -> None:
    ended = stop_wish()
    start = datetime.now(UTC)
    end = start + timedelta(days=days)
    made = make_certificates(start, end)
    try:
        scheduler = await _started(host, port, security_of(made.authority, made.scheduler), say)
    except (OSError, RuntimeError) as failed:
        # Distributed wraps what the system refuses, such as a name that nobody knows.
        error = failed if isinstance(failed, OSError) else failed.__cause__
        if not isinstance(error, OSError):
            raise
        raise UserError(
            f"{host}{f' port {port}' if port else ''} cannot be listened to: {reason_of(error)}.",
            "Give an address of this machine, and a port that is free.",
        ) from None
    try:
        join = JoinFile(
            address=scheduler.address,
            authority=made.authority,
            certificate=made.member.certificate,
            key=made.member.key,
            expires=end.timestamp(),
            versions=own_versions(),
        )
        write_join_file(path, join)
        say(
            f"The cluster listens at {join.address}; {path} lets machines join it until {join.until}.\n"
            f"On each machine that is to train: dnnstudio worker {path.name}\n"
            f"To train there: dnnstudio repeat EXPERIMENT --out DIR --cluster {path}\n"
            "Who holds that file can run programs on all of these machines. Ctrl+C ends the cluster."
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), end.timestamp() - time.time())
        if not ended.is_set():
            say(f"{path} is valid no longer, so the cluster ends.")
    finally:
        path.unlink(missing_ok=True)  # nobody can join by it any more
        await scheduler.close(reason="dnnstudio-cluster-ends")


async def _started(host: str, port: int, security: Security, say: Say) -> Scheduler:
    from distributed import Scheduler
    from distributed.diagnostics.plugin import SchedulerPlugin

    class Listening(Scheduler):
        """A scheduler without a web server, which would listen on a port that asks for no certificate."""

        def start_http_server(self, *arguments: Any, **options: Any) -> None:
            del arguments, options

    class Joined(SchedulerPlugin):
        """Tells which machines come and go."""

        def add_worker(self, scheduler: Scheduler, worker: str) -> None:
            state = scheduler.workers[worker]
            say(f"{state.name} has joined, {count_of(state.nthreads, 'training')} at a time.")

        def remove_worker(self, scheduler: Scheduler, worker: str, **options: Any) -> None:
            del scheduler, options
            say(f"The worker at {worker} has left.")

    scheduler = Listening(host=host, port=port, protocol="tls", security=security, dashboard=False, plugins=(Joined(),))
    started: Scheduler = await scheduler
    return started
