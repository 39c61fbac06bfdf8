"""Which networks can be asked: the trained runs of the workspace, the opened model, and what a person points at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import is_file_there, is_folder_there
from dnnstudio.core.workspace.ensembles import is_ensemble
from dnnstudio.core.workspace.runs import MODEL, RunRecord, Weights, best_apart, is_run, read_metrics


@dataclass(frozen=True, slots=True)
class Network:
    """A run folder, a model file, an ensemble's folder or an opened model's id; `best` is its best epoch, if apart."""

    model: str | Path
    title: str
    best: int | None = None

    @property
    def key(self) -> str:
        """Its name among the windows and choices."""
        return str(self.model)


class Surroundings(Protocol):
    """What the window needs from the program around it."""

    def networks(self) -> tuple[Network, ...]: ...
    def ask_network(self) -> Network | None: ...
    def ask_files(self) -> tuple[Path, ...]: ...
    def ask_folder(self) -> tuple[Path, ...]: ...
    def pasted(self) -> tuple[Path, ...]: ...
    def threshold(self, network: Network, weights: Weights) -> tuple[str, float] | None: ...
    def open_decision(self, network: Network, weights: Weights) -> None: ...


def network_of_run(record: RunRecord) -> Network | None:
    """A run that has a network; None where it has none yet."""
    if not record.has_network:
        return None
    return Network(record.home, record.words, _best_of(record.home))


def network_at(path: Path) -> Network:
    """A folder or a model file that a person chose. Raises `UserError` where it holds no network."""
    if is_folder_there(path):
        if is_ensemble(path):
            return Network(path, f"ensemble {path.name}")
        if not is_run(path) or not is_file_there(path / MODEL):
            raise UserError(f"{path.name} holds no trained network.", "Choose a run's folder or an ensemble's.")
        return Network(path, path.name, _best_of(path))
    return Network(path, path.name)


def networks(records: Iterable[RunRecord], opened: tuple[str, str] | None) -> tuple[Network, ...]:
    """The runs with a network, newest first, and before them the opened model (its id and name)."""
    found = [network for record in records if (network := network_of_run(record)) is not None]
    return (*((Network(*opened),) if opened is not None else ()), *found)


def weights_of(network: Network) -> tuple[tuple[Weights, str], ...]:
    """Which weights can be asked, with their titles; the best ones first where there are any."""
    if network.best is None:
        return (("last", "its weights"),)
    return ("best", f"best of epoch {network.best}"), ("last", "last weights")


def _best_of(folder: Path) -> int | None:
    try:
        return best_apart(folder, read_metrics(folder) or {})
    except UserError:
        return None
