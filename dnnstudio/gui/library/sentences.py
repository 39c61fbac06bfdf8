"""Display texts of models: dates, origin of layers, differences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dnnstudio.core.experiment.layers import times
from dnnstudio.core.text import NBSP, date_text, figure, percent, share_text, shortened
from dnnstudio.core.uncertainty.figure_names import BALANCED, BASELINE, RECALL
from dnnstudio.core.workspace.catalog import Entry, LayerIdentity
from dnnstudio.core.workspace.sources import short_name

KIND_WORDS = {"own": "own", "clone": "cloned", "share": "shared"}

SHARES = ("accuracy", BALANCED, BASELINE)
"""Figures that are shares of rows."""


def layers_text(layers: Sequence[LayerIdentity]) -> str:
    """ "all own", or how many are cloned, shared and own: "5 cloned, 1 own"."""
    kinds = [item.kind for item in layers]
    if not kinds or set(kinds) == {"own"}:
        return "own" if kinds else "–"
    return ", ".join(f"{kinds.count(kind)} {word}" for kind, word in reversed(KIND_WORDS.items()) if kind in kinds)


def subtitle(entry: Entry) -> str:
    """Below the name, which several models may share: "run 9 · Digits, 10 classes"."""
    if entry.kind == "file":
        return entry.task or "a file with the network only"
    return f"{short_name(entry.path)} · {entry.task}" if entry.task else short_name(entry.path)


def identity_sentence(item: LayerIdentity) -> str:
    """The origin of a layer's weights, and whether they have changed: "cloned from dense_1 of Task A,
    changed since".
    """
    where = " of ".join(part for part in (item.source, item.origin) if part)
    if item.kind == "own":
        text = "its own"
    elif item.kind == "clone":
        text = f"cloned from {where}" if where else "cloned"
    else:
        text = f"shared with {', '.join(item.shared_with)}"
    if item.changed_by:
        return f"{text}; changed by training {', '.join(item.changed_by)}"
    if item.kind == "clone":
        return f"{text}, {'changed since' if item.changed else 'unchanged'}"
    return text


def facts_of(entry: Entry) -> tuple[tuple[str, str], ...]:
    """What is known of a model, a title and a text each."""
    since = f"{NBSP}(older than the weights)" if entry.outdated else ""
    rows = [("Task", entry.task or "not known: only the network is in the file")]
    if len(entry.classes) > 2:
        rows.append(("Classes", ", ".join(entry.classes)))
    figures = (
        ("Test accuracy", share_text, entry.accuracy),
        ("Val. accuracy", share_text, entry.val_accuracy),
        ("Test R²", figure, entry.r2),
        ("Val. R²", figure, entry.val_r2),
    )
    told = [(title, words(value) + since) for title, words, value in figures if value is not None]
    rows += told
    if entry.measured and told:
        rows.append(("Figures of", entry.measured))
    if entry.parameters is not None:
        rows.append(("Parameters", f"{entry.parameters:,}"))
    if entry.input_shape is not None:
        rows.append(("Reads", f"rows of {times(entry.input_shape)}"))
    rows.append(("Trained" if entry.kind == "run" else "File of", date_text(entry.when)))
    if entry.fingerprint:
        rows.append(("Weights", entry.fingerprint))
    rows.append(("Lies in", str(entry.path)))
    return tuple(rows)


def search_text(entry: Entry) -> str:
    """The text that the search matches."""
    kinds = {layer.kind.replace("_", " ") for layer in entry.experiment.active_layers}
    words = (entry.name, entry.task, *entry.classes, entry.fingerprint, layers_text(entry.layers), entry.path.name)
    return " ".join((*words, *kinds)).lower()


def value_text(value: Any) -> str:
    """A value as in the file; a dash for a missing one."""
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def figure_name(name: str) -> str:
    """The display name of a figure."""
    if name.startswith(RECALL):
        return f"Recall of {shortened(name.removeprefix(RECALL), 40)}"
    return {"mae": "Mean absolute error"}.get(name, name.replace("_", " ").capitalize())


def figure_text(name: str, value: float | None) -> str:
    """A percentage for a share of rows, else the number."""
    if value is None:
        return "–"
    return percent(value, 2) if name in SHARES or name.startswith(RECALL) else f"{value:.4f}"
