"""Which process a number stands for, by what no change of the clock alters."""

from __future__ import annotations

from pathlib import Path


def boot() -> str:
    """The machine since its last start; containers of one machine have the same. "" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def beginning_of(pid: int) -> str:
    """When the process began, in ticks since the machine's start; "" where it is gone or the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
