"""Models in words: when, whose layers, what a difference is."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from dnnstudio.core.layers import times
from dnnstudio.core.library import Entry, LayerIdentity
from dnnstudio.gui.runs_model import NBSP, share

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
KIND_WORDS = {"own": "own", "clone": "cloned", "share": "shared"}


def when_text(when: float) -> str:
    """22 Nov 2026, 14:05 in the time of this place; a dash where it is not known."""
    if not when:
        return "–"
    there = time.localtime(when)
    return f"{there.tm_mday} {MONTHS[there.tm_mon - 1]} {there.tm_year}, {there.tm_hour}:{there.tm_min:02}"


def layers_text(layers: Sequence[LayerIdentity]) -> str:
    """All own, or how many are cloned, shared and own: "5 cloned, 1 own"."""
    kinds = [item.kind for item in layers]
    if not kinds or set(kinds) == {"own"}:
        return "own" if kinds else "–"
    return ", ".join(f"{kinds.count(kind)} {word}" for kind, word in reversed(KIND_WORDS.items()) if kind in kinds)


def identity_sentence(item: LayerIdentity) -> str:
    """Whose weights a layer has, and whether they are still those: "cloned from dense_1 of Task A, changed since"."""
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
    since = f"{NBSP}(weights changed since)" if any(item.changed_by for item in entry.layers) else ""
    rows = [("Task", entry.task or "not known: only the network is in the file")]
    if len(entry.classes) > 2:
        rows.append(("Classes", ", ".join(entry.classes)))
    if entry.accuracy is not None:
        rows.append(("Test accuracy", share(entry.accuracy) + since))
    if entry.val_accuracy is not None:
        rows.append(("Validation accuracy", share(entry.val_accuracy)))
    if entry.parameters is not None:
        rows.append(("Parameters", f"{entry.parameters:,}"))
    if entry.input_shape is not None:
        rows.append(("Reads", f"rows of {times(entry.input_shape)}"))
    rows.append(("Trained" if entry.kind == "run" else "File of", when_text(entry.when)))
    if entry.fingerprint:
        rows.append(("Weights", entry.fingerprint))
    rows.append(("Lies in", str(entry.path)))
    return tuple(rows)


def search_text(entry: Entry) -> str:
    """Where the search looks."""
    kinds = {layer.kind.replace("_", " ") for layer in entry.experiment.active_layers}
    words = (entry.name, entry.task, *entry.classes, entry.fingerprint, layers_text(entry.layers), entry.path.name)
    return " ".join((*words, *kinds)).lower()


def value_text(value: Any) -> str:
    """A value as it stands in the file; what is not there is a dash."""
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def figure_name(name: str) -> str:
    """A measured figure in words."""
    return {"mae": "Mean absolute error"}.get(name, name.replace("_", " ").capitalize())


def figure_text(name: str, value: float | None) -> str:
    """A share for the accuracy, else the number."""
    if value is None:
        return "–"
    return f"{value * 100:.2f}{NBSP}%" if name == "accuracy" else f"{value:.4f}"
