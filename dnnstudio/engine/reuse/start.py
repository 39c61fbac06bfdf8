"""Initializes a network from a trained one: layers cloned or shared, the rest new."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.planning.compatibility import Pair, reuse_pairs
from dnnstudio.core.workspace.fingerprints import layer_fingerprints
from dnnstudio.core.workspace.shared_layers import Origin, OriginLayer
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.model_files.writing import arrays_of

if TYPE_CHECKING:
    from dnnstudio.engine.reuse.loaded_model import LiveModel


@dataclass(frozen=True, slots=True)
class Source:
    """The trained network: in memory, and its run folder or model file (None without one)."""

    live: LiveModel
    place: Path | None


@dataclass(frozen=True, slots=True)
class Start:
    """A new network and the origin of its layers, to be recorded."""

    model: keras.Sequential
    pairs: tuple[Pair, ...]
    origin: Origin

    @property
    def shared(self) -> tuple[str, ...]:
        """The layers that are the source's own objects."""
        return tuple(pair.layer.layer.id for pair in self.pairs if pair.mode == "share")


def start_model(
    experiment: Experiment,
    input_shape: Shape,
    source: Source,
    *,
    unit: TargetUnit | None = None,
    control: Control | None = None,
) -> Start:
    """The experiment's network with the reused layers of the source.

    `unit` is that of the target on the experiment's own rows. New layers get the same initial weights as from scratch
    with the experiment's seed. Raises `UserError` and `Cancelled`; the source is then unchanged.
    """
    live = source.live
    pairs = reuse_pairs(experiment, input_shape, live.experiment.active_layers, live.input_shape)
    theirs = {pair.layer.layer.id: live.model.get_layer(pair.source.layer.id) for pair in pairs}
    shared = {pair.layer.layer.id: theirs[pair.layer.layer.id] for pair in pairs if pair.mode == "share"}
    keras.utils.set_random_seed(experiment.seed)
    model = build(experiment, input_shape, shared=shared, unit=unit, control=control)
    for name, layer in theirs.items():
        if name not in shared:
            model.get_layer(name).set_weights(layer.get_weights())
    return Start(model, pairs, _origin(source, pairs))


def _origin(source: Source, pairs: tuple[Pair, ...]) -> Origin:
    prints = layer_fingerprints(arrays_of(source.live.model))
    layers = tuple(
        OriginLayer(pair.layer.layer.id, pair.source.layer.id, pair.mode, prints[pair.source.layer.id])
        for pair in pairs
    )
    return Origin(source.live.experiment.name, source.place, layers)
