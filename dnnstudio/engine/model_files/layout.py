"""Where the arrays of each layer lie in Keras's two layouts of a weights file, compared before anything is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dnnstudio.core.errors import UserError
from dnnstudio.core.shapes import LayerShape
from dnnstudio.engine.model_files.contents import Array, Difference, WeightsMismatchError, shown
from dnnstudio.engine.model_files.hdf5 import Store

_VARS = re.compile(r"^(?:layers|_layer_checkpoint_dependencies)/([^/]+)/vars/(\d+)$")
_NOT_THE_NETWORK = ("optimizer/", "optimizer_weights/", "metrics/")
Found = list[tuple[str, list[str]]]
"""What a file calls each layer that holds arrays, and the paths of those arrays, in order."""


def read_arrays(store: Store, rows: Sequence[LayerShape], keras_classes: Sequence[str]) -> dict[str, list[Array]]:
    """The arrays of every layer of `rows` that has any. Raises `WeightsMismatchError` before anything was read.

    `keras_classes` are the class names by which the layers of `rows` were saved.
    """
    group = "model_weights" if "model_weights" in store.groups else ""
    if store.texts("layer_names", group) is not None:
        places = _legacy_places(store, group, rows)
    else:
        places = _places(store, rows, keras_classes)
    _compare(store, rows, places)
    return {
        row.layer.id: [store.read(path, variable.shape) for path, variable in zip(paths, row.variables, strict=True)]
        for row, paths in zip(rows, places, strict=True)
        if row.variables
    }


def snake_case(class_name: str) -> str:
    """Keras's name of a layer's group: batch_normalization for BatchNormalization, p_re_lu for PReLU."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def group_names(keras_classes: Iterable[str]) -> list[str]:
    """dense, dense_1, … : the group of each layer in a Keras 3 weights file; "" where there is none."""
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


def _places(store: Store, rows: Sequence[LayerShape], keras_classes: Sequence[str]) -> list[list[str]]:
    """Keras 3: layers/dense_1/vars/0, the groups numbered by class."""
    found: dict[str, dict[int, str]] = {}
    for path in store.entries:
        plain = path.replace("\\", "/")  # tf-keras 2.12 wrote backslashes into the names
        match = _VARS.match(plain)
        if match:
            found.setdefault(match[1], {})[int(match[2])] = path
        elif not plain.startswith(_NOT_THE_NETWORK) and "/seed_generator/" not in plain:
            raise UserError(f"The file holds an array at {shown(path)} that belongs to no layer.", "")
    places = [
        [found.get(name, {}).get(number, "") for number in range(len(row.variables))]
        for row, name in zip(rows, group_names(keras_classes), strict=True)
    ]
    used = {path for paths in places for path in paths}
    extra = [
        Difference(name, f"array {number}", None, store.entries[path].shape)
        for name, paths in found.items()
        for number, path in paths.items()
        if path not in used
    ]
    if extra:
        _compare(store, rows, places, extra)
    return places


def _legacy_places(store: Store, group: str, rows: Sequence[LayerShape]) -> list[list[str]]:
    """`.h5`: the layers that hold arrays, in the order of the attribute layer_names; names may differ."""
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
    holding = [index for index, row in enumerate(rows) if row.variables]
    for index, (_, paths) in zip(holding, found, strict=False):
        places[index] = _in_order(rows[index], paths)
    extra = [
        Difference(name, f"array {number}", None, store.entries[path].shape if path in store.entries else ())
        for name, paths in found[len(holding) :]
        for number, path in enumerate(paths)
    ]
    if extra:
        _compare(store, rows, places, extra)
    return places


def _in_order(row: LayerShape, paths: list[str]) -> list[str]:
    """The paths in the order of the layer's variables where their last names say so."""
    by_name = {path.rsplit("/", 1)[-1].split(":")[0]: path for path in paths}
    names = [variable.name for variable in row.variables]
    return [by_name[name] for name in names] if sorted(by_name) == sorted(names) else paths


def _compare(
    store: Store, rows: Sequence[LayerShape], places: list[list[str]], extra: Sequence[Difference] = ()
) -> None:
    """Raise `WeightsMismatchError` unless every variable has an array of its shape and every array a variable."""
    differences: list[Difference] = []
    for row, paths in zip(rows, places, strict=True):
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
    if differences or extra:
        raise WeightsMismatchError((*differences, *extra))


def _tidy(path: str) -> str:
    """A path as the walk names it: without doubled slashes and dots that mean nothing."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))
