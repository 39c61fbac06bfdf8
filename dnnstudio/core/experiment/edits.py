"""Edits: pure functions from one experiment to the next. Only changed parts are validated again, which keeps them fast.

Every function raises `UserError` if the change is impossible; the given experiment is never modified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import decode, pretty, to_plain
from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.layers import LAYER_KINDS, AnyLayer, Layer
from dnnstudio.core.experiment.paths import changed, copied, field_value, get_value, has_rules, path_keys, set_value
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.refusals import explain
from dnnstudio.core.text import count_of

Edit = Callable[[Experiment], Experiment]
"""A fix or transformation with all arguments but the experiment bound."""
MAX_LAYERS = 10_000
MAX_TEXT = 4 * 2**20
_MAX_ID = 64


# ---------------------------------------------------------------------------------------------- layers


def with_layers(experiment: Experiment, layers: Iterable[Layer]) -> Experiment:
    """The experiment with another stack of layers, each valid by itself; only the rules between fields are checked."""
    return copied(experiment, layers=tuple(layers))


def new_layer(experiment: Experiment, kind: str, **given: Any) -> AnyLayer:
    """A layer of `kind` with Keras's defaults, a name that is free in the experiment, and the `given` fields set."""
    if kind not in LAYER_KINDS:
        raise UserError(f'There is no layer kind "{kind}".', f"Use one of {', '.join(LAYER_KINDS)}.")
    if kind == "input" and "shape" not in given:
        summary = known_summary(experiment.data)
        given |= {"shape": summary.input_shape} if summary is not None else {}
    if "id" not in given:
        given["id"] = fresh_id(set(ids_of(experiment)), kind)
    cls = LAYER_KINDS[kind]
    try:
        return cls.new(**given)
    except ValidationError as error:
        raise UserError(explain(error, cls)) from None


def fresh_id(taken: Collection[str], kind: str) -> str:
    """A free name for a layer of `kind`: dense_1, dense_2, bn_1, flatten."""
    cls = LAYER_KINDS[kind]
    name = cls.short_name or kind
    if cls.usually_once and name not in taken:
        return name
    return _numbered(name, taken, 1)


def ids_of(experiment: Experiment) -> tuple[str, ...]:
    """The layers' names from input to output."""
    return tuple(layer.id for layer in experiment.layers)


def added_ids(before: Experiment, after: Experiment) -> tuple[str, ...]:
    """The names of the layers that are in `after` but not in `before`, to be selected after adding or pasting."""
    known = set(ids_of(before))
    return tuple(name for name in ids_of(after) if name not in known)


def add_layer(experiment: Experiment, layer: Layer, index: int | None = None) -> Experiment:
    """Insert a layer before position `index` (append it without one). A name in use is replaced by a free one."""
    return add_layers(experiment, (layer,), index)


def add_layers(experiment: Experiment, layers: Sequence[Layer], index: int | None = None) -> Experiment:
    """Insert layers before position `index`, keeping their order, under free names."""
    rows = list(experiment.layers)
    at = len(rows) if index is None else max(0, min(index, len(rows)))
    rows[at:at] = _with_free_ids(layers, set(ids_of(experiment)))
    if len(rows) > MAX_LAYERS:
        raise UserError(f"That would be {count_of(len(rows), 'layer')}.", f"A stack holds at most {MAX_LAYERS:,}.")
    return with_layers(experiment, rows)


def remove_layers(experiment: Experiment, ids: Iterable[str]) -> Experiment:
    """The experiment without these layers."""
    gone = set(_known(experiment, ids))
    return with_layers(experiment, (layer for layer in experiment.layers if layer.id not in gone))


def move_layers(experiment: Experiment, ids: Iterable[str], index: int) -> Experiment:
    """Move layers, keeping their order, to the gap before position `index` of the present stack (0 … n)."""
    wanted = set(_known(experiment, ids))
    rows = experiment.layers
    at = max(0, min(index, len(rows)))
    moved = [layer for layer in rows if layer.id in wanted]
    before = [layer for layer in rows[:at] if layer.id not in wanted]
    after = [layer for layer in rows[at:] if layer.id not in wanted]
    return with_layers(experiment, (*before, *moved, *after))


def duplicate_layers(experiment: Experiment, ids: Iterable[str]) -> Experiment:
    """Insert copies of these layers, under free names, right after the last of them."""
    wanted = set(_known(experiment, ids))
    chosen = [layer for layer in experiment.layers if layer.id in wanted]
    if not chosen:
        return experiment
    last = max(index for index, layer in enumerate(experiment.layers) if layer.id in wanted)
    return add_layers(experiment, chosen, last + 1)


def replace_layer(experiment: Experiment, layer_id: str, /, **changes: Any) -> Experiment:
    """Change fields of one layer. Keys may be dotted, as in `**{"kernel_regularizer.l2": 0.01}`."""
    _known(experiment, (layer_id,))
    index = ids_of(experiment).index(layer_id)
    rows: list[Any] = list(experiment.layers)
    rows[index] = changed(rows[index], changes, f"layers[{index}].")
    after = with_layers(experiment, rows)
    return after if rows[index].id == layer_id else with_renamed(after, layer_id, rows[index].id)


def with_renamed(experiment: Experiment, before: str, after: str) -> Experiment:
    """Update the references in transfer and pretraining to a layer that has been renamed to `after`."""
    transfer, pretraining = experiment.transfer, experiment.pretraining
    if transfer is not None:
        experiment = experiment.replaced(transfer=transfer.with_renamed(before, after))
    if pretraining is not None and pretraining.until == before:
        experiment = experiment.replaced(pretraining=pretraining.replaced(until=after))
    return experiment


def change_layers(experiment: Experiment, ids: Iterable[str], /, **changes: Any) -> Experiment:
    """Change the same fields of several layers; fields that a layer lacks are skipped for it.

    Raises `UserError` if a field exists in none of the layers.
    """
    wanted = set(_known(experiment, ids))
    heads = {key: path_keys(key)[0] for key in changes}
    fits = {kind: {key: changes[key] for key, head in heads.items() if head in kind.model_fields} for kind in
            {type(layer) for layer in experiment.layers if layer.id in wanted}}  # fmt: skip
    at_once = "kind" not in changes and all(key == head for key, head in heads.items())
    done: dict[type[Layer], dict[str, Any]] = {}
    """The validated changes per kind of layer: checked once, then copied."""
    used = {key for values in fits.values() for key in values}
    rows: list[Any] = list(experiment.layers)
    for index, layer in enumerate(rows):
        values = fits[type(layer)] if layer.id in wanted else {}
        if values and type(layer) in done:
            rows[index] = layer.model_copy(update=done[type(layer)])
        elif values:
            rows[index] = after = changed(layer, values, f"layers[{index}].")
            if at_once and not has_rules(type(layer)):
                done[type(layer)] = {key: getattr(after, key) for key in values}
    if wanted and len(used) < len(changes):
        missing = next(key for key in changes if key not in used)
        raise UserError(f"None of these layers has {missing}.", "Choose layers that have it.")
    return with_layers(experiment, rows)


def set_enabled(experiment: Experiment, ids: Iterable[str], enabled: bool) -> Experiment:
    """Enable or disable layers; a disabled layer stays in the list."""
    return change_layers(experiment, ids, enabled=enabled)


def rename_layer(experiment: Experiment, layer_id: str, new_id: str) -> Experiment:
    """Give a layer another name. Raises `UserError` if it is in use or not a valid name."""
    return replace_layer(experiment, layer_id, id=new_id)


def change_kind(experiment: Experiment, layer_id: str, kind: str) -> Experiment:
    """Turn a layer into one of another kind, keeping its name and the options that both kinds have."""
    return replace_layer(experiment, layer_id, kind=kind)


# ------------------------------------------------------------------------------------- copy and paste


def copy_text(experiment: Experiment, ids: Iterable[str]) -> str:
    """These layers as JSON text for the clipboard: a list of layers in the format of experiment files."""
    wanted = set(_known(experiment, ids))
    return pretty([to_plain(layer) for layer in experiment.layers if layer.id in wanted]) + "\n"


def layers_from_text(text: str) -> tuple[AnyLayer, ...]:
    """The layers in a JSON text: a list of layers, a single layer, or a whole experiment. Raises `UserError`."""
    if len(text) > MAX_TEXT:
        raise UserError("The clipboard holds too much text for layers.", "Copy the layers again.")
    plain = decode(text, name="The clipboard")
    if isinstance(plain, dict):
        plain = plain.get("layers", [plain])
    layers: tuple[AnyLayer, ...] = field_value(Experiment, "layers", plain, "")
    if not layers:
        raise UserError("The clipboard holds no layers.", "Copy some layers first.")
    return layers


def paste_text(experiment: Experiment, text: str, index: int | None = None) -> Experiment:
    """Insert the layers of a JSON text before position `index`, under free names. Raises `UserError`."""
    return add_layers(experiment, layers_from_text(text), index)


# ---------------------------------------------------------------------------------------------- names


def _known(experiment: Experiment, ids: Iterable[str]) -> tuple[str, ...]:
    asked = (ids,) if isinstance(ids, str) else tuple(ids)
    known = set(ids_of(experiment))
    missing = next((name for name in asked if name not in known), None)
    if missing is not None:
        raise UserError(f'There is no layer "{missing}".', "It may have been removed or renamed.")
    return asked


def _with_free_ids(layers: Iterable[Layer], taken: set[str]) -> list[Layer]:
    free: list[Layer] = []
    for layer in layers:
        if layer.id in taken:
            layer = layer.model_copy(update={"id": _numbered(re.sub(r"_\d+$", "", layer.id), taken, 2)})
        taken.add(layer.id)
        free.append(layer)
    return free


def _numbered(stem: str, taken: Collection[str], first: int) -> str:
    number = first
    while f"{stem[: _MAX_ID - 6]}_{number}" in taken:
        number += 1
    return f"{stem[: _MAX_ID - 6]}_{number}"


__all__ = [
    "Edit",
    "add_layer",
    "add_layers",
    "added_ids",
    "change_kind",
    "change_layers",
    "copy_text",
    "duplicate_layers",
    "fresh_id",
    "get_value",
    "ids_of",
    "layers_from_text",
    "move_layers",
    "new_layer",
    "paste_text",
    "remove_layers",
    "rename_layer",
    "replace_layer",
    "set_enabled",
    "set_value",
    "with_layers",
]
