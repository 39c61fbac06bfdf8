"""The model library: identity and figures of each trained model of a workspace, and comparison of models.

Runs are read here; model files need the engine, which reads them in a separate process (`engine.reuse.catalog`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal

from dnnstudio.core.experiment.codec import load, to_plain
from dnnstudio.core.experiment.data import Data, known_summary, task_class_names
from dnnstudio.core.experiment.layers import AnyLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import plainly_refused
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.runs import EXPERIMENT, read_metrics, read_run
from dnnstudio.core.workspace.shared_layers import Links, read_links

MODELS = "models"
SUFFIXES = (".keras", ".h5", ".hdf5")
"""Suffixes of model files that can be opened, in lower case."""


@dataclass(frozen=True, slots=True)
class LayerIdentity:
    """The origin of a layer's weights.

    "own": initialized for this model; "clone": copied from `source` of the model `origin`; "share": one layer in
    several models. `changed` says that the weights differ from those that were cloned or shared; `shared_with` and
    `changed_by` name the other models.
    """

    layer: str
    kind: Literal["own", "clone", "share"]
    fingerprint: str = ""
    source: str = ""
    origin: str = ""
    changed: bool = False
    shared_with: tuple[str, ...] = ()
    changed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One trained model. Figures that it does not have are None; `when` is in seconds since 1970."""

    path: Path
    kind: Literal["run", "file"]
    name: str
    task: str
    classes: tuple[str, ...]
    experiment: Experiment
    input_shape: tuple[int, ...] | None
    accuracy: float | None = None
    val_accuracy: float | None = None
    r2: float | None = None
    val_r2: float | None = None
    """Of a model that predicts a number, in place of the accuracies."""
    parameters: int | None = None
    when: float = 0.0
    fingerprint: str = ""
    layers: tuple[LayerIdentity, ...] = ()
    run: str = ""
    measured: str = ""
    """Which weights the figures are of, in words: "last weights, of epoch 10"."""
    outdated: bool = False
    """Whether the figures are older than the weights, which a training of another model has changed since."""


@dataclass(frozen=True, slots=True)
class LayerComparison:
    """Two layers side by side; None where one model has no counterpart. `same_weights` is None if neither
    has weights.
    """

    first: str | None
    second: str | None
    differences: tuple[OptionDifference, ...]
    same_weights: bool | None


@dataclass(frozen=True, slots=True)
class OptionDifference:
    """A field that differs: its dotted path, and both values as in the file (None where it is missing)."""

    path: str
    first: Any
    second: Any


def run_entry(folder: Path) -> Entry:
    """The entry of a run folder. Raises `UserError` if it cannot be read."""
    with plainly_refused(folder):
        return _run_entry(folder)


def _run_entry(folder: Path) -> Entry:
    record, experiment = read_run(folder), load(folder / EXPERIMENT)
    metrics = read_metrics(folder) or {}
    known = known_summary(experiment.data)
    return Entry(
        path=folder,
        kind="run",
        name=record.name,
        task=task_text(experiment),
        classes=known.class_names if known is not None and experiment.pretraining is None else (),
        experiment=experiment,
        input_shape=known.input_shape if known is not None else None,
        accuracy=record.test_accuracy,
        val_accuracy=record.val_accuracy,
        r2=record.test_r2,
        val_r2=record.val_r2,
        parameters=record.parameters,
        when=record.when,
        fingerprint=_text(metrics.get("fingerprint")),
        layers=identities(experiment, read_links(folder), _texts(metrics.get("layer_fingerprints"))),
        run=record.run,
        measured=record.measured.weights if record.measured is not None else "",
        outdated=record.measured is not None and record.measured.outdated,
    )


def identities(experiment: Experiment, links: Links, fingerprints: Mapping[str, str]) -> tuple[LayerIdentity, ...]:
    """The origin of each layer's weights, from input to output; layers without weights are left out."""
    taken = {item.layer: item for item in links.origin.layers} if links.origin is not None else {}
    name = links.origin.name if links.origin is not None else ""
    found: list[LayerIdentity] = []
    for layer in experiment.active_layers:
        if not layer.has_weights:
            continue
        now, start = fingerprints.get(layer.id, ""), taken.get(layer.id)
        shared = tuple(dict.fromkeys(item.place.name for item in links.shared if item.layer == layer.id))
        changed_by = tuple(dict.fromkeys(item.by for item in links.changes if layer.id in item.layers))
        found.append(
            LayerIdentity(
                layer=layer.id,
                kind="share" if shared else "clone" if start is not None else "own",
                fingerprint=now,
                source=start.source if start is not None else "",
                origin=name if start is not None else "",
                changed=bool(now) and now != start.fingerprint if start is not None else bool(changed_by),
                shared_with=shared,
                changed_by=changed_by,
            )
        )
    return tuple(found)


def task_text(experiment: Experiment) -> str:
    """A model's task in a few words: "Fashion-MNIST, Sandal or Shirt", "Digits, 10 classes"."""
    data = experiment.data
    label = type(data.source).label
    if experiment.pretraining is not None:
        return f"{label}, {type(experiment.pretraining).label.lower()}"
    names = _class_names(data)
    if 0 < len(names) <= 2 or not names:
        return f"{label}, {' or '.join(names)}" if names else label
    return f"{label}, {count_of(len(names), 'class')}"


def _class_names(data: Data) -> tuple[str, ...]:
    """The class names of a task; for a file, whose labels are unknown before reading, those of the filter."""
    if data.source.class_names or data.classes.keep is not None:
        return task_class_names(data.classes, data.source.class_names)
    return ()


def compare_layers(
    first: Sequence[AnyLayer],
    second: Sequence[AnyLayer],
    first_prints: Mapping[str, str],
    second_prints: Mapping[str, str],
) -> tuple[LayerComparison, ...]:
    """The layers of two networks side by side, matched by kind in stack order."""
    rows: list[LayerComparison] = []
    matcher = SequenceMatcher(None, [layer.kind for layer in first], [layer.kind for layer in second], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            for one, other in zip(first[a:b], second[c:d], strict=True):
                prints = first_prints.get(one.id), second_prints.get(other.id)
                same = None if prints == (None, None) else prints[0] == prints[1]
                rows.append(LayerComparison(one.id, other.id, differences(one, other), same))
            continue
        rows += [LayerComparison(layer.id, None, (), None) for layer in first[a:b]]
        rows += [LayerComparison(None, layer.id, (), None) for layer in second[c:d]]
    return tuple(rows)


def compare_options(first: Experiment, second: Experiment) -> tuple[OptionDifference, ...]:
    """The differences between two experiments outside their layers and names."""
    without = {"layers": (), "name": "", "transfer": None}
    return differences(first.replaced(**without), second.replaced(**without))


def differences(first: Any, second: Any) -> tuple[OptionDifference, ...]:
    """The fields in which two records differ, by their dotted paths."""
    one, other = _flat(to_plain(first)), _flat(to_plain(second))
    return tuple(
        OptionDifference(path, one.get(path), other.get(path))
        for path in dict.fromkeys((*one, *other))
        if one.get(path) != other.get(path)
    )


def _flat(plain: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(plain, dict):
        return {prefix: plain}
    found: dict[str, Any] = {}
    for key, value in plain.items():
        found |= _flat(value, f"{prefix}.{key}" if prefix else key)
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(key): item for key, item in value.items() if isinstance(item, str)}
