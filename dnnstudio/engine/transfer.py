"""Starting a network from a trained one: layers cloned or shared, everything else new."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.fingerprints import layer_fingerprints
from dnnstudio.core.layers import Shape
from dnnstudio.core.links import Origin, OriginLayer, relative_to
from dnnstudio.core.reusing import Pair, reuse_pairs
from dnnstudio.core.runs import RUNS
from dnnstudio.engine.build import build
from dnnstudio.engine.model_files.writing import arrays_of
from dnnstudio.engine.runtime import keras

if TYPE_CHECKING:
    from dnnstudio.engine.live_model import LiveModel


@dataclass(frozen=True, slots=True)
class Source:
    """The trained network: in memory, and the run folder or model file where it lies (None for one without)."""

    live: LiveModel
    place: Path | None


@dataclass(frozen=True, slots=True)
class Start:
    """A new network and what is to be remembered of where its layers come from."""

    model: keras.Sequential
    pairs: tuple[Pair, ...]
    origin: Origin

    @property
    def shared(self) -> tuple[str, ...]:
        """The layers that are the source's own."""
        return tuple(pair.layer.layer.id for pair in self.pairs if pair.mode == "share")


def find_place(source: str, *bases: Path | None) -> Path:
    """The run folder or model file that a source names, as seen from the first of `bases` where there is one.

    Raises `UserError` where there is none.
    """
    if not source.strip():
        raise UserError("The transfer has no source.", "Choose a trained model to start from.")
    known = [base for base in bases if base is not None] or [Path()]
    for base in known:
        try:
            place = Path(os.path.normpath(base.absolute() / source))
            if place.exists():
                return place
        except (OSError, ValueError):
            break
    raise UserError(
        f'The source of the transfer, "{source}", does not exist.', "Choose a run folder or a model file that does."
    )


def source_text(folder: Path, place: Path) -> str:
    """How a run in `folder` names its source: relative within a workspace or beside it, else absolute."""
    home = folder.absolute().parent
    home = home.parent if home.name == RUNS else home
    return relative_to(folder, place) if place.absolute().is_relative_to(home) else str(place.absolute())


def start_model(experiment: Experiment, input_shape: Shape, source: Source) -> Start:
    """The experiment's network with the reused layers of the source in it.

    The new layers are those that the experiment's seed gives from scratch. Raises `UserError`; the source is then as
    it was.
    """
    live = source.live
    pairs = reuse_pairs(experiment, input_shape, live.experiment.active_layers, live.input_shape)
    theirs = {pair.layer.layer.id: live.model.get_layer(pair.source.layer.id) for pair in pairs}
    shared = {pair.layer.layer.id: theirs[pair.layer.layer.id] for pair in pairs if pair.mode == "share"}
    keras.utils.set_random_seed(experiment.seed)
    model = build(experiment, input_shape, shared=shared)
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
