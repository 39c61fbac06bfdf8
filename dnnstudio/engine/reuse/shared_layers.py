"""Propagates changed shared layers to every model that holds them: in memory, in its run folder and in its checkpoint.

During a training the layers are a single object in memory. Afterwards all other models that share them, in memory or on
disk, get the same weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.folder_lock import held
from dnnstudio.core.workspace.fingerprints import layer_fingerprints, model_fingerprint
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import CHECKPOINT, METRICS, MODEL, STATE, read_metrics
from dnnstudio.core.workspace.shared_layers import (
    WAIT_S,
    Change,
    Links,
    link,
    note_change,
    read_links,
    set_origin,
    sharers,
    unlink,
)
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.model_files.writing import arrays_of
from dnnstudio.engine.reuse.start import Source, Start
from dnnstudio.engine.training.checkpoint import Arrays, load_checkpoint, put_values, save_checkpoint, values_of
from dnnstudio.engine.training.compile_config import optimizer_of_run
from dnnstudio.engine.training.observer import TrainingObserver
from dnnstudio.engine.training.run_writer import save_network

if TYPE_CHECKING:
    from dnnstudio.engine.reuse.loaded_model import LiveModel

Weights = dict[str, Arrays]
"""Layer id → its arrays."""


class SharedTraining(TrainingObserver):
    """Observer that keeps a training's shared layers consistent with other models; see `TrainingObserver`.

    `live_at` returns the networks in memory that belong to a run folder or model file; `read` reads one from there.
    Within `writing` of it these stay what lies there; `forget` drops those that are not, so that it is read again.
    """

    def __init__(
        self,
        model: keras.Sequential,
        *,
        run: str,
        start: Start | None,
        source: Source | None,
        live_at: Callable[[Path], Sequence[LiveModel]],
        read: Callable[[Path], LiveModel],
        writing: Callable[[Path], AbstractContextManager[None]],
        forget: Callable[[Path], None],
    ) -> None:
        self._model = model
        self._run = run
        self._start = start
        self._source = source
        self._live_at = live_at
        self._read = read
        self._writing = writing
        self._forget = forget
        self._before = values_of(self._shared_variables())

    def begun(self, folder: Path) -> None:
        """Record in both folders which layers the new run reuses and shares. Raises `UserError`."""
        if self._start is None or self._source is None:
            return
        if read_links(folder).origin is None:
            set_origin(folder, self._start.origin)
        if self._start.shared and self._source.place is not None:
            link(folder, self._source.place, self._start.shared)

    def moved(self, before: Path, after: Path) -> None:
        """The links and the origin go with the run: as they stand in its first folder, or as they were made there."""
        known = Links()
        with suppress(UserError, OSError):
            known = read_links(before)
        with suppress(UserError, OSError):  # nothing can be written there; the other models' side is what counts
            unlink(before)
        if known == Links():
            self.begun(after)
            return
        if known.origin is not None:
            set_origin(after, known.origin)
        for far in dict.fromkeys(item.place for item in known.shared):
            link(after, far, [item.layer for item in known.shared if item.place == far])

    def failed(self) -> None:
        """Discard the training: the shared layers are restored."""
        put_values(self._shared_variables(), self._before)

    def closed(self, folder: Path) -> str:
        """Copy the new weights to every model that shares layers with the run; returns a sentence on that, or ""."""
        weights = {layer.name: layer.get_weights() for layer in self._model.layers}
        self._refresh(folder, weights)
        changed: list[str] = []
        trouble: list[str] = []
        for place, names in sharers(folder).items():
            shared = {name: weights[name] for name in names if name in weights}
            try:
                with held(place, "a sharing of layers", wait_s=WAIT_S) if place.is_dir() else nullcontext():
                    if self._carry(place, shared, Change(folder.name, self._run, tuple(shared))):
                        changed.append(place.name)
            except UserError as error:
                trouble.append(_not_changed(place, error))
                if place.is_dir():
                    self._forget(place)
        told = [f"This also changed {' and '.join(changed)}."] if changed else []
        return " ".join([*told, *trouble])

    def _shared_variables(self) -> list[keras.Variable]:
        names = self._start.shared if self._start is not None else ()
        return [variable for name in names for variable in self._model.get_layer(name).variables]

    def _carry(self, place: Path, weights: Weights, change: Change) -> bool:
        """Write the layers to one other model, and return whether they differed there."""
        self._refresh(place, weights)
        stored = self._read(place)
        old = layer_fingerprints(arrays_of(stored.model))
        _put(stored.model, weights, place)
        new = layer_fingerprints(arrays_of(stored.model))
        if old == new:
            return False
        experiment = stored.experiment if stored.has_experiment else None
        path = place / MODEL if place.is_dir() else place
        shape, trained = stored.input_shape, stored.trained_with
        optimizer = optimizer_of_run(place, stored.model, stored.experiment, shape, trained)
        with self._writing(place):
            save_network(stored.model, path, experiment, shape, trained, optimizer, keep_previous=True)
        if place.is_dir():
            _put_into_checkpoint(place, stored.model, weights)
            _put_into_metrics(place, new, change)
            change = replace(change, epoch=_epochs_done(place))
        note_change(place, change)
        return True

    def _refresh(self, place: Path, weights: Weights) -> None:
        """Update the copies in memory of a model on disk."""
        for live in self._live_at(place):
            if live.model is not self._model:
                _put(live.model, weights, place)


def _not_changed(place: Path, error: UserError) -> str:
    """What is told of another model that keeps its shared layers as they were."""
    if error.code is not Code.IN_USE:
        return f"{place.name} could not be changed too: {error}"
    return f"{place.name} was not updated: {error.message} To update it too, train this run on when that has ended."


def _put(model: keras.Sequential, weights: Weights, place: Path) -> None:
    """Set layers' arrays. Raises `UserError`, with nothing changed, if they do not fit."""
    layers = {layer.name: layer for layer in model.layers}
    pairs = [(layers[name], arrays) for name, arrays in weights.items() if name in layers]
    for layer, arrays in pairs:
        if [tuple(v.shape) for v in layer.weights] != [array.shape for array in arrays]:
            raise UserError(f"{layer.name} has another shape in {place.name}.", "It no longer shares that layer.")
    for layer, arrays in pairs:
        layer.set_weights(arrays)


def _put_into_checkpoint(place: Path, model: keras.Sequential, weights: Weights) -> None:
    """Update the checkpoint, so that a resumed run continues with the changed layers."""
    if not (place / CHECKPOINT / STATE).exists():
        return
    checkpoint = load_checkpoint(place)
    ours = {id(variable) for name in weights for variable in model.get_layer(name).variables}
    network = [
        variable.numpy() if id(variable) in ours else array
        for variable, array in zip(model.variables, checkpoint.network, strict=True)
    ]
    save_checkpoint(place, replace(checkpoint, network=network))


def _epochs_done(place: Path) -> int | None:
    """How many epochs the run in `place` has behind it; None where its history cannot be read."""
    try:
        return len(read_rows(place / HISTORY))
    except UserError:
        return None


def _put_into_metrics(place: Path, layers: dict[str, str], change: Change) -> None:
    """Store the new fingerprints, and that the figures predate the change."""
    metrics = read_metrics(place)
    if metrics is None:
        return
    told = {"by": change.by, "run": change.run, "layers": list(change.layers), "when": round(change.when, 3)}
    metrics |= {"layer_fingerprints": layers, "fingerprint": model_fingerprint(layers)}
    metrics["changed_by"] = [*metrics.get("changed_by", []), told]
    write_checked(place / METRICS, (json.dumps(metrics, indent=2) + "\n").encode())
