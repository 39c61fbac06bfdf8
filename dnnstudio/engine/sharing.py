"""Carrying changed shared layers to every model that holds them: in memory, in the run folder, in its checkpoint.

Between the first and the last step of a training the layers are one object in memory. Afterwards every other model
that shares them, in memory or on disk, gets the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.errors import UserError
from dnnstudio.core.files import write_atomically
from dnnstudio.core.fingerprints import layer_fingerprints, model_fingerprint
from dnnstudio.core.links import Change, link, note_change, read_links, set_origin, sharers
from dnnstudio.core.runs import CHECKPOINT, METRICS, MODEL, read_metrics
from dnnstudio.engine.checkpoint import FILE as STATE
from dnnstudio.engine.checkpoint import Arrays, load_checkpoint, put_values, save_checkpoint, values_of
from dnnstudio.engine.compiling import optimizer_of_run
from dnnstudio.engine.model_files.writing import arrays_of
from dnnstudio.engine.run_folder import save_network
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.surroundings import Surroundings
from dnnstudio.engine.transfer import Source, Start

if TYPE_CHECKING:
    from dnnstudio.engine.live_model import LiveModel

Weights = dict[str, Arrays]
"""Layer id → its arrays."""


class SharedTraining(Surroundings):
    """What a training has to do with other models: told when it begins, ends or fails, see `Surroundings`.

    `live_at` gives the networks in memory that lie in a run folder or model file; `read` reads one from there.
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
    ) -> None:
        self._model = model
        self._run = run
        self._start = start
        self._source = source
        self._live_at = live_at
        self._read = read
        self._before = values_of(self._shared_variables())

    def begun(self, folder: Path) -> None:
        """Note in both folders what the new run takes over and shares. Raises `UserError`."""
        if self._start is None or self._source is None:
            return
        if read_links(folder).origin is None:
            set_origin(folder, self._start.origin)
        if self._start.shared and self._source.place is not None:
            link(folder, self._source.place, self._start.shared)

    def failed(self) -> None:
        """Nothing of the training is kept: the shared layers are as before."""
        put_values(self._shared_variables(), self._before)

    def closed(self, folder: Path) -> str:
        """Give every model that shares layers with the run their new weights; a sentence on that, or nothing."""
        weights = {layer.name: layer.get_weights() for layer in self._model.layers}
        self._refresh(folder, weights)
        changed: list[str] = []
        trouble: list[str] = []
        for place, names in sharers(folder).items():
            shared = {name: weights[name] for name in names if name in weights}
            try:
                if self._carry(place, shared, Change(folder.name, self._run, tuple(shared))):
                    changed.append(place.name)
            except UserError as error:
                trouble.append(f"{place.name} could not be changed too: {error}")
        told = [f"This also changed {' and '.join(changed)}."] if changed else []
        return " ".join([*told, *trouble])

    def _shared_variables(self) -> list[keras.Variable]:
        names = self._start.shared if self._start is not None else ()
        return [variable for name in names for variable in self._model.get_layer(name).variables]

    def _carry(self, place: Path, weights: Weights, change: Change) -> bool:
        """Write the layers into one other model; whether they were different there."""
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
        save_network(stored.model, path, experiment, shape, trained, optimizer, keep_previous=True)
        if place.is_dir():
            _put_into_checkpoint(place, stored.model, weights)
            _put_into_metrics(place, new, change)
        note_change(place, change)
        return True

    def _refresh(self, place: Path, weights: Weights) -> None:
        """The copies in memory of a model on disk."""
        for live in self._live_at(place):
            if live.model is not self._model:
                _put(live.model, weights, place)


def _put(model: keras.Sequential, weights: Weights, place: Path) -> None:
    """Give layers their arrays. Raises `UserError`, and nothing is changed, where they do not fit."""
    layers = {layer.name: layer for layer in model.layers}
    pairs = [(layers[name], arrays) for name, arrays in weights.items() if name in layers]
    for layer, arrays in pairs:
        if [tuple(v.shape) for v in layer.weights] != [array.shape for array in arrays]:
            raise UserError(f"{layer.name} has another shape in {place.name}.", "It no longer shares that layer.")
    for layer, arrays in pairs:
        layer.set_weights(arrays)


def _put_into_checkpoint(place: Path, model: keras.Sequential, weights: Weights) -> None:
    """So that the run, when it goes on, goes on from the changed layers."""
    if not (place / CHECKPOINT / STATE).exists():
        return
    checkpoint = load_checkpoint(place)
    ours = {id(variable) for name in weights for variable in model.get_layer(name).variables}
    network = [
        variable.numpy() if id(variable) in ours else array
        for variable, array in zip(model.variables, checkpoint.network, strict=True)
    ]
    save_checkpoint(place, replace(checkpoint, network=network))


def _put_into_metrics(place: Path, layers: dict[str, str], change: Change) -> None:
    """The fingerprints of now, and that the figures are of before."""
    metrics = read_metrics(place)
    if metrics is None:
        return
    told = {"by": change.by, "run": change.run, "layers": list(change.layers), "when": round(change.when, 3)}
    metrics |= {"layer_fingerprints": layers, "fingerprint": model_fingerprint(layers)}
    metrics["changed_by"] = [*metrics.get("changed_by", []), told]
    write_atomically(place / METRICS, (json.dumps(metrics, indent=2) + "\n").encode())
