"""Which trained models a training will change beside its own, because it shares layers with them."""

from __future__ import annotations

import os
from pathlib import Path

from dnnstudio.core.analysis.reuse_planner import changing_shared
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import listed
from dnnstudio.core.workspace.shared_layers import sharers, will_change
from dnnstudio.core.workspace.sources import place_of


def changed_by(experiment: Experiment, *, base: Path | None) -> dict[Path, tuple[str, ...]]:
    """The run folders and model files that a new training changes, and which of their layers.

    `base` is the folder of the experiment file. A source that is not there changes nothing. Raises `UserError` for
    damaged links.
    """
    layers = changing_shared(experiment)
    place = place_of(experiment.transfer, base) if experiment.transfer is not None and layers else None
    return {} if place is None else will_change(place, layers)


def changed_by_going_on(
    experiment: Experiment, folder: Path, *, base: Path | None = None
) -> dict[Path, tuple[str, ...]]:
    """The same of a training that goes on with the run in `folder`, whose layers other models may share too.

    A copy of a run, and one that ended before its first epoch, are not linked yet to the source that they share layers
    with; going on links them. `base` is the folder of the experiment file where it is not the run's.
    """
    learning = {layer.id for layer in experiment.active_layers if getattr(layer, "trainable", False)}
    if experiment.transfer is not None:
        learning -= {item.layer for item in experiment.transfer.shared} - set(changing_shared(experiment))
    found = {place: tuple(name for name in names if name in learning) for place, names in sharers(folder).items()}
    known = {os.path.realpath(place) for place in (folder, *found)}
    for start in dict.fromkeys((base or folder, folder)):
        if to_come := changed_by(experiment, base=start):
            found |= {place: names for place, names in to_come.items() if os.path.realpath(place) not in known}
            break
    return {place: names for place, names in found.items() if names}


def changes_sentence(changed: dict[Path, tuple[str, ...]]) -> str:
    """ "Training changes the layer hidden of 0001 a too, which shares it."; "" where nothing is changed."""
    if not changed:
        return ""
    layers = tuple(dict.fromkeys(name for names in changed.values() for name in names))
    noun, verb = ("layer", "shares it") if len(layers) == 1 else ("layers", "shares them")
    verb = verb if len(changed) == 1 else verb.replace("shares", "share")
    models = listed([place.name for place in changed], most=6)
    return f"Training changes the {noun} {listed(layers, most=6)} of {models} too, which {verb}."
