"""The origin of the layers' weights in the stack: those of the displayed run, or as planned by the transfer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.os_errors import changed_at
from dnnstudio.core.workspace.catalog import LayerIdentity, identities
from dnnstudio.core.workspace.runs import EXPERIMENT, METRICS, read_metrics
from dnnstudio.core.workspace.shared_layers import links_file, read_links
from dnnstudio.core.workspace.sources import place_of, short_name
from dnnstudio.gui.stack.rows import Identity, Origin

ORIGIN_OF: dict[str, Origin] = {"own": "own", "clone": "cloned", "share": "shared"}


@dataclass(frozen=True, slots=True)
class StoredNetwork:
    """A run's experiment and the origin of its weights; `stamp` changes when its files do."""

    stamp: tuple[object, ...]
    experiment: Experiment
    layers: dict[str, Identity]


def stamp_of(folder: Path) -> tuple[object, ...]:
    """A value that changes when the run's files do."""
    files = (folder / EXPERIMENT, folder / METRICS, links_file(folder))
    return (folder, *map(changed_at, files))


def read_network(folder: Path) -> StoredNetwork:
    """The run in a folder. Raises `UserError`; without final figures the weights' origin is unknown."""
    experiment = codec.load(folder / EXPERIMENT)
    metrics = read_metrics(folder) or {}
    prints = metrics.get("layer_fingerprints")
    found: dict[str, Identity] = {}
    if isinstance(prints, dict):
        known = {str(name): str(value) for name, value in prints.items()}
        found = {item.layer: in_words(item) for item in identities(experiment, read_links(folder), known)}
    return StoredNetwork(stamp_of(folder), experiment, found)


def in_words(item: LayerIdentity) -> Identity:
    """The text on a layer's card."""
    parts: list[str] = []
    if item.kind == "clone":
        became = "has changed since" if item.changed else "is still the same"
        parts.append(f"Cloned from {item.source} of {item.origin}; it {became}.")
    elif item.kind == "share":
        parts.append(f"Shared with {_listed(item.shared_with)}: training one changes the other.")
    if item.changed_by:
        parts.append(f"Changed by the training of {_listed(item.changed_by)}.")
    if item.fingerprint:
        parts.append(f"Fingerprint of its weights: {item.fingerprint}.")
    since = "" if item.kind != "clone" or not item.fingerprint else "changed" if item.changed else "unchanged"
    return Identity(ORIGIN_OF[item.kind], item.fingerprint, since, bool(item.changed_by), " ".join(parts))


def planned(experiment: Experiment, base: Path | None) -> dict[str, Identity]:
    """The planned origin of the layers' initial weights, if the experiment has a transfer."""
    transfer = experiment.transfer
    if transfer is None:
        return {}
    place = place_of(transfer, base)
    name = short_name(place) if place is not None else "the source"
    reuse = {item.layer: item for item in transfer.reuse}
    found: dict[str, Identity] = {}
    for layer in experiment.active_layers:
        item = reuse.get(layer.id)
        if not layer.has_weights:
            continue
        if item is None:
            found[layer.id] = Identity("new", sentence="It will start from fresh weights.")
        elif item.mode == "clone":
            found[layer.id] = Identity("cloned", sentence=f"It will start as a copy of {item.source} of {name}.")
        else:
            words = f"It will be one layer with {item.source} of {name}: training it changes both."
            found[layer.id] = Identity("shared", sentence=words)
    return found


def shows(rows: Sequence[LayerShape], experiment: Experiment, run: Experiment) -> bool:
    """Whether the document, with these layer shapes, shows a run's network: same data, layers and reuse."""
    active = [row for row in rows if row.layer.enabled]
    theirs = run.active_layers
    if experiment.data.source != run.data.source or [row.layer.id for row in active] != [item.id for item in theirs]:
        return False
    if _reuse(experiment) != _reuse(run) or (experiment.pretraining is None) != (run.pretraining is None):
        return False
    if all(row.layer is item or row.layer == item for row, item in zip(active, theirs, strict=True)):
        return True
    shapes = infer_shapes(theirs, active[0].input_shape if active else None)
    return all(
        type(row.layer) is type(other.layer) and row.variables == other.variables
        for row, other in zip(active, shapes, strict=True)
    )


def readable(name: str) -> str:
    """ "run 9 (Task A)" for the folder "0009 Task A"; other names are unchanged."""
    digits, _, rest = name.partition(" ")
    return f"run {int(digits)}" + (f" ({rest})" if rest else "") if digits.isdigit() else name


def _reuse(experiment: Experiment) -> set[tuple[str, str, str]]:
    transfer = experiment.transfer
    return {(item.layer, item.source, item.mode) for item in transfer.reuse} if transfer is not None else set()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(readable(name) for name in names)
