"""Locates each layer's arrays in Keras's two layouts of a weights file, and compares shapes before reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.engine.model_files.contents import Array, Difference, WeightsMismatchError, shown
from dnnstudio.engine.model_files.hdf5 import Store

_VARS = re.compile(r"^((?:(?:layers|_layer_checkpoint_dependencies)/[^/]+/)+)vars/(\d+)$")
_FOLDER = re.compile(r"(?:layers|_layer_checkpoint_dependencies)/([^/]+)/")
_NOT_THE_NETWORK = ("optimizer/", "optimizer_weights/", "metrics/")
Found = list[tuple[str, list[str]]]
"""The file's name of each layer with arrays, and the paths of those arrays, in order."""
See = Callable[[Store, Sequence[LayerShape], Sequence[Sequence[str]]], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file has the arrays of a layer: see `chains.Link`. `group` is "" for a layer that the file has not."""

    group: str
    owner: int
    name: str
    is_nested: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """Of each layer of a stack, the paths of its arrays in the file ("" for one that is missing) and the file's name
    for the layer ("" where it has none); `left` are the layers of the file that no layer of the stack takes.
    """

    paths: list[list[str]]
    names: list[str]
    left: Found


def places_of(keras_classes: Sequence[str]) -> list[Place]:
    """The places of the layers of a plain stack that were saved under these class names."""
    return [Place(group, number, "") for number, group in enumerate(group_names(keras_classes))]


def read_arrays(
    store: Store, rows: Sequence[LayerShape], where: Sequence[Place], *, see: See | None = None
) -> dict[str, list[Array]]:
    """Layer id → its arrays, float32 in the shapes [...] of its variables. Raises `WeightsMismatchError` before reading
    any.

    `where` are the places of the layers of `rows`; `see` may change how the arrays found for them are read.
    """
    located = locate(store, rows, where)
    if see is not None:
        see(store, rows, located.paths)
    _compare(store, rows, located)
    return {
        row.layer.id: [store.read(path, variable.shape) for path, variable in zip(paths, row.variables, strict=True)]
        for row, paths in zip(rows, located.paths, strict=True)
        if row.variables
    }


def locate(store: Store, rows: Sequence[LayerShape], where: Sequence[Place]) -> Located:
    """Which arrays of the file belong to which layer of `rows`, whether they fit or not. `where` as in `read_arrays`.

    Raises `UserError` for a file that is not laid out as Keras does.
    """
    group = "model_weights" if "model_weights" in store.groups else ""
    if store.texts("layer_names", group) is not None:
        return _legacy_places(store, group, rows, where)
    return _places(store, rows, where)


def snake_case(class_name: str) -> str:
    """Keras's name of a layer's group: batch_normalization for BatchNormalization, p_re_lu for PReLU."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def group_names(keras_classes: Iterable[str]) -> list[str]:
    """The group of each layer in a Keras 3 weights file (dense, dense_1, …); "" if it has none."""
    used: dict[str, int] = {}
    names = []
    for class_name in keras_classes:
        name = snake_case(class_name)
        if not name:
            names.append("")
            continue
        count = used.get(name)
        names.append(name if count is None else f"{name}_{count + 1}")
        used[name] = 0 if count is None else count + 1
    return names


def _places(store: Store, rows: Sequence[LayerShape], where: Sequence[Place]) -> Located:
    """Keras 3: layers/dense_1/vars/0, with groups numbered per class; layers/sequential/layers/dense/vars/0 of a model
    inside it.
    """
    found: dict[str, dict[int, str]] = {}
    for path in store.entries:
        plain = path.replace("\\", "/")  # tf-keras 2.12 wrote backslashes in the names
        match = _VARS.match(plain)
        if match:
            found.setdefault("/".join(_FOLDER.findall(match[1])), {})[int(match[2])] = path
        elif not plain.startswith(_NOT_THE_NETWORK) and "/seed_generator/" not in plain:
            raise UserError(f"The file holds an array at {shown(path)} that belongs to no layer.", "")
    places = [
        [found.get(place.group, {}).get(number, "") for number in range(len(row.variables))]
        for row, place in zip(rows, where, strict=True)
    ]
    used = {path for paths in places for path in paths}
    left = [(name, [path for _, path in sorted(paths.items()) if path not in used]) for name, paths in found.items()]
    names = [place.group if place.group in found else "" for place in where]
    return Located(places, names, [(name, paths) for name, paths in left if paths])


def _legacy_places(store: Store, group: str, rows: Sequence[LayerShape], where: Sequence[Place]) -> Located:
    """`.h5`: the layers with arrays, in the order of the attribute layer_names; names may differ.

    A model inside it is one such layer, with the arrays of all of its own.
    """
    found: Found = []
    prefix = f"{group}/" if group else ""
    for name in store.texts("layer_names", group) or []:
        folder = _tidy(f"{prefix}{name}")
        if folder not in store.groups:
            raise UserError(f"The layer {shown(name)} has no group in the file.", "The file is damaged.")
        names = store.texts("weight_names", folder) or []
        if names:
            found.append((name, [_tidy(f"{folder}/{item}") for item in names]))
    places: list[list[str]] = [[] for _ in rows]
    owners = [""] * len(rows)
    holding: dict[int, list[int]] = {}
    for index in sorted(range(len(rows)), key=lambda index: where[index].owner):
        if rows[index].variables:
            holding.setdefault(where[index].owner, []).append(index)
    for indices, (owner, paths) in zip(holding.values(), found, strict=False):
        for index in indices:
            owners[index] = owner
        if where[indices[0]].is_nested:
            shared = _shared_out([rows[index] for index in indices], [where[index].name for index in indices], paths)
            for index, own in zip(indices, shared, strict=True):
                places[index] = _in_order(rows[index], own)
        else:
            places[indices[0]] = _in_order(rows[indices[0]], paths)
    return Located(places, owners, found[len(holding) :])


def _shared_out(rows: Sequence[LayerShape], names: Sequence[str], paths: Sequence[str]) -> list[list[str]]:
    """Of the arrays of a model inside another, those of each of its layers.

    By the layer's name before the array's, as in `model/dense/kernel:0`. Where the paths do not name the layers, in
    Keras's order: first what learns, layer after layer, then the rest.
    """
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.split("/")[-2] if "/" in path else "", []).append(path)
    if set(by_name) == set(names) and len(set(names)) == len(names):
        return [by_name[name] for name in names]
    left, shared = list(paths), [[""] * len(row.variables) for row in rows]
    for learns in (True, False):
        for row, own in zip(rows, shared, strict=True):
            for number, variable in enumerate(row.variables):
                if (getattr(row.layer, "trainable", True) and variable.trainable) is learns and left:
                    own[number] = left.pop(0)
    if left:
        shared[-1] += left  # told as arrays too many
    return shared


def _in_order(row: LayerShape, paths: list[str]) -> list[str]:
    """The paths in the order of the layer's variables, if their last components name them."""
    by_name = {path.rsplit("/", 1)[-1].split(":")[0]: path for path in paths}
    names = [variable.name for variable in row.variables]
    return [by_name[name] for name in names] if sorted(by_name) == sorted(names) else paths


def _compare(store: Store, rows: Sequence[LayerShape], located: Located) -> None:
    """Raise `WeightsMismatchError` unless variables and arrays correspond one to one with equal shapes."""
    differences: list[Difference] = []
    for row, paths in zip(rows, located.paths, strict=True):
        for number in range(max(len(paths), len(row.variables))):
            path = paths[number] if number < len(paths) else ""
            entry = store.entries.get(path)
            found = entry.shape if entry is not None else None
            variable = row.variables[number] if number < len(row.variables) else None
            needed = variable.shape if variable is not None else None
            counts = variable is not None and variable.name == "count"
            if found != needed:
                name = variable.name if variable is not None else f"array {number}"
                differences.append(Difference(row.layer.id, name, needed, found))
            elif entry is not None and entry.dtype.kind not in ("fiu" if counts else "f"):
                raise UserError(f"{row.layer.id} holds {entry.dtype.name} numbers instead of floating-point ones.", "")
    differences += [
        Difference(name, f"array {_number_in(path, number)}", None, shape_of(store, path))
        for name, paths in located.left
        for number, path in enumerate(paths)
    ]
    if differences:
        raise WeightsMismatchError(tuple(differences))


def _number_in(path: str, place: int) -> str:
    """The number that Keras 3 calls an array by; its place among the layer's arrays in a file of Keras 2."""
    last = path.rpartition("/")[2]
    return last if last.isdecimal() else str(place)


def shape_of(store: Store, path: str) -> Shape:
    """The shape of an array of the file; () where the file names it and has not got it."""
    return store.entries[path].shape if path in store.entries else ()


def _tidy(path: str) -> str:
    """A normalized path, without doubled slashes and redundant dots."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))
