"""The networks that a session holds in memory, by run id or by the id of the job that opened them, and where each lies.

Nothing heavy is imported before a network is read.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.workspace.runs import Weights, home_of, model_file
from dnnstudio.engine.reuse.loaded_model import LiveModel, read_model_at

LIVE_MODELS = 8
"""Number of networks kept in memory; an older one is read again from its place when needed."""
Reader = Callable[[Control | None], LiveModel]
"""Reads a network again."""
Stamp = tuple[int, int, int]
"""What differs between two versions of a file."""


class HeldModels:
    """The networks used last, and the places of all that were ever held."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, LiveModel] = OrderedDict()
        self._places: dict[str, Path] = {}
        self._readers: dict[str, Reader] = {}
        self._stamps: dict[str, Stamp | None] = {}
        """What the files of the networks were like when these were kept."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the networks in memory, the one used last at the end."""
        return tuple(self._models)

    def __contains__(self, key: str) -> bool:
        return key in self._models or key in self._places

    def find(
        self,
        key: str | Path,
        *,
        layers_of: Experiment | None = None,
        weights: Weights = "last",
        control: Control | None = None,
    ) -> LiveModel:
        """The network of a run id, an opened model's id, a run folder or model file; the best is read from its run.

        Raises `UserError` and `Cancelled`.
        """
        name = str(key)
        if weights == "best":
            return read_model_at(self.place_of(key), weights=weights, control=control)
        if name in self._models and not (self._stays_its_place(name) and self._is_old(name)):
            self._models.move_to_end(name)
            return self._models[name]
        if name in self._readers:
            return self.keep(name, self._readers[name](control))
        if name in self._places:
            return self.keep(name, read_model_at(self._places[name], control=control))
        return read_model_at(Path(key), layers_of=layers_of, control=control)

    def find_to_look_at(
        self, key: str | Path, *, layers_of: Experiment, weights: Weights, control: Control
    ) -> LiveModel:
        """Like `find`, but a network read from a path is kept until its file changes: inspection asks repeatedly."""
        best = weights == "best"
        path = self.place_of(key) if best else Path(key)
        if not path.exists() or (not best and str(key) in self):
            return self.find(key, layers_of=layers_of, weights=weights, control=control)
        file = model_file(path, weights) if path.is_dir() else path
        stamp = f"{file}@{file.stat().st_mtime_ns if file.exists() else 0}"
        if stamp not in self._models:
            self.keep(stamp, self.find(path, layers_of=layers_of, weights=weights, control=control))
        return self.find(stamp)

    def keep(
        self, key: str, live: LiveModel, *, place: Path | None = None, read_again: Reader | None = None
    ) -> LiveModel:
        """Hold a network. `place` is where it lies, `read_again` reads it where its place alone does not tell it."""
        self._models[key] = live
        self._models.move_to_end(key)
        if place is not None:
            self._places[key] = place
        if key in self._places:
            self._stamps[key] = _stamp(self._places[key])
        if read_again is not None:
            self._readers[key] = read_again
        while len(self._models) > LIVE_MODELS:
            self._models.popitem(last=False)
        return live

    def place_of(self, key: str | Path) -> Path:
        """The run folder or model file of a network; the key itself where none was told."""
        return self._places.get(str(key), Path(key))

    def known_place(self, key: str) -> Path | None:
        """The run folder or model file of a network that is held; None where it has none."""
        return self._places.get(key)

    def at(self, place: Path) -> list[LiveModel]:
        """The networks in memory that belong to this run folder or model file, most recently used first."""
        return [self._models[key] for key in self._keys_at(place)]

    def current_at(self, place: Path) -> LiveModel | None:
        """One of those that is what lies there now; None where there is none, or another program has written there."""
        return next((self._models[key] for key in self._keys_at(place) if not self._is_old(key)), None)

    @contextmanager
    def writing(self, place: Path) -> Iterator[None]:
        """Within the block this program writes there what the networks in memory have already."""
        current = [key for key in self._keys_at(place) if not self._is_old(key)]
        try:
            yield
        finally:
            self._stamps |= {key: _stamp(self._places[key]) for key in current}

    def forget_at(self, place: Path) -> None:
        """Read what lies there again when it is needed: the networks in memory are not the same."""
        for key in self._keys_at(place):
            del self._models[key]

    def _keys_at(self, place: Path) -> list[str]:
        real = os.path.realpath(place)
        keys = [key for key, known in self._places.items() if os.path.realpath(home_of(known)) == real]
        return [key for key in reversed(self._models) if key in keys]

    def _stays_its_place(self, key: str) -> bool:
        """Whether the network is what lies in its place: a run, or a path. A model file that was opened stays as it
        was then, as somebody may write another network there.
        """
        place = self._places.get(key)
        return place is not None and (key == str(place) or home_of(place).is_dir())

    def _is_old(self, key: str) -> bool:
        """Whether its file is another one than when the network was kept: another program went on with the run."""
        now = _stamp(self._places[key])
        return now is not None and now != self._stamps.get(key)


def _stamp(place: Path) -> Stamp | None:
    """Of the file of a run's last weights, or of a model file; None where there is none."""
    try:
        found = (model_file(place, "last") if place.is_dir() else place).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
