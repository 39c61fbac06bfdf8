"""The command line that does what the dialog does."""

from __future__ import annotations

import shlex
from pathlib import Path

from dnnstudio.core.workspace.runs import Weights


def command_of(model: Path, to: str, out: str, *, weights: Weights, stochastic: bool) -> str:
    """`dnnstudio export …`, quoted for a shell."""
    words = ["dnnstudio", "export", str(model), "--to", to, "--out", out]
    if weights == "best":
        words += ["--weights", "best"]
    if stochastic:
        words.append("--stochastic")
    return shlex.join(words)
