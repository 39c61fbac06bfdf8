"""Saves models: builds the bytes in memory, reads them back with the program's own loader, then renames the file into
place.

Keras's own `model.save` truncates the old file before writing the new one, and HDF5 crashes the process when the disk
is full; neither happens here. The files also open with plain `keras.models.load_model`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

import dnnstudio
from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Shape, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.model_files.architecture import read_architecture
from dnnstudio.engine.model_files.archive import CONFIG, METADATA, WEIGHTS
from dnnstudio.engine.model_files.contents import MAX_FILE, Array, Arrays, Compiled, Difference, WeightsMismatchError
from dnnstudio.engine.model_files.layout import group_names
from dnnstudio.engine.model_files.record import KEY, SEAL_ATTRIBUTE, Record, record_text
from dnnstudio.engine.model_files.seal import blank_seal, close_seal, hash_arrays
from dnnstudio.engine.model_files.settings import layer_class
from dnnstudio.engine.model_files.strict_json import MAX_JSON
from dnnstudio.engine.model_files.transcript import transcribe_model, transcribe_weights

if TYPE_CHECKING:
    import keras

SUFFIXES = (".keras", ".weights.h5", ".h5")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""A fixed date, so that the same network gives the same bytes."""


def save_model(
    model: keras.Model,
    path: Path,
    *,
    experiment: Experiment | None = None,
    input_shape: Shape,
    state: Mapping[str, Any] | None = None,
    compiled: Compiled | None = None,
    keep_previous: bool = False,
) -> int:
    """Write a `keras.Sequential` to `path` (.keras, .h5 or .weights.h5) and return the number of bytes.

    The file contains the experiment, a checksum and `state` (the caller's own JSON), and for Keras also `compiled`,
    except in a weights file. Monte Carlo dropout is written as Keras's plain dropout, so that Keras opens it without
    this program, and marked in the program's metadata. Batch normalization over several axes is the one layer that
    Keras 3 opens only with this program installed; for a schedule that Keras lacks, `compile=False` is enough. Raises
    `UserError`; the old file is then untouched.
    """
    given: dict[str, Any] = {"experiment": experiment, "input_shape": input_shape, "state": state}
    content = model_bytes(model, suffix_of(path), **given, compiled=compiled)
    write_atomically(path, content, keep_previous=keep_previous)
    return len(content)


def suffix_of(path: Path) -> str:
    """The format of a file name, one of three. Raises `UserError`."""
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return suffix
    raise UserError(f"{path.name} does not say in which format to save.", f"End the name in {', '.join(SUFFIXES)}.")


def model_bytes(
    model: keras.Model,
    suffix: str,
    *,
    experiment: Experiment | None = None,
    input_shape: Shape,
    state: Mapping[str, Any] | None = None,
    compiled: Compiled | None = None,
) -> bytes:
    """The file's content, verified by reading it back. Raises `UserError`."""
    arrays = arrays_of(model)
    config, monte_carlo = _config_of(model)
    record = Record(
        hash_arrays(array for items in arrays.values() for array in items),
        None if experiment is None else json.loads(codec.to_json(experiment)),
        monte_carlo,
        dict(state or {}),
        {"dnnstudio": dnnstudio.__version__, "keras": _keras_version()},
    )
    compiled = _fitting(compiled, arrays)
    blank = blank_seal(record_text(record))
    if suffix == ".keras":
        content = _keras_archive(model, config, record, arrays, blank, compiled)
    elif suffix == ".h5":
        content = _legacy_file(model, config, record, arrays, blank, compiled)
    else:
        content = _weights_file(model, arrays, record, blank)
    content = close_seal(content, blank)
    _verify(content, suffix, arrays, config, input_shape)
    return content


def arrays_of(model: keras.Model) -> dict[str, list[Array]]:
    """Layer name → copies of its arrays as float32, in the shapes [...] of its variables; without random states."""
    return {layer.name: [_array(weight) for weight in layer.weights] for layer in model.layers if layer.weights}


def put_weights(model: keras.Model, arrays: Arrays, *, allow_not_finite: bool = False) -> None:
    """Assign the arrays, by layer name and in the shapes [...] of the variables, to the model: all of them, or none.

    Raises `WeightsMismatchError` for different names or shapes, and `UserError` for NaN and infinity (unless allowed);
    the model is then unchanged, bit for bit.
    """
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    differences: list[Difference] = []
    for name in (*layers, *(name for name in arrays if name not in layers)):
        variables = layers[name].weights if name in layers else []
        given = arrays.get(name, [])
        for number in range(max(len(variables), len(given))):
            variable = variables[number] if number < len(variables) else None
            needed = None if variable is None else tuple(int(n) for n in variable.shape)
            found = given[number].shape if number < len(given) else None
            if needed != found:
                label = f"array {number}" if variable is None else variable.name
                differences.append(Difference(name, label, needed, found))
    if differences:
        raise WeightsMismatchError(tuple(differences))
    bad = [name for name in layers if not all(np.isfinite(array).all() for array in arrays[name])]
    if bad and not allow_not_finite:
        raise UserError(f"The weights of {', '.join(bad)} hold NaN or infinity.", "Use weights from before that.")
    pairs = [
        (variable, array) for name in layers for variable, array in zip(layers[name].weights, arrays[name], strict=True)
    ]
    before = [_array(variable) for variable, _ in pairs]
    try:
        for variable, array in pairs:
            variable.assign(array)
    except BaseException:
        for (variable, _), old in zip(pairs, before, strict=True):
            variable.assign(old)
        raise


def _array(variable: Any) -> Array:
    return np.array(variable.value.numpy(), dtype=np.float32)  # np.asarray would use __array__, for which NumPy 2 warns


def _keras_version() -> str:
    import keras

    return str(keras.__version__)


def _config_of(model: keras.Model) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Keras's config of the stack without compile state, and the names of its Monte Carlo layers."""
    import keras

    config: dict[str, Any] = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    if config["class_name"] != "Sequential":
        raise UserError(f"A {config['class_name']} cannot be saved.", "Only plain stacks (Sequential) can.")
    config.pop("compile_config", None)
    names = []
    for layer in config["config"]["layers"]:
        kind, given = layer_class(layer["class_name"])
        if kind is not None and given.get("monte_carlo"):
            names.append(layer["config"]["name"])
        if kind is not None and layer["class_name"] not in (kind.keras_class, kind.extension):
            layer |= {"module": "keras.layers", "class_name": kind.keras_class, "registered_name": None}
    return config, tuple(names)


def _fitting(compiled: Compiled | None, arrays: Arrays) -> Compiled | None:
    """`compiled`, without the optimizer's variables if the file would otherwise exceed the size limit."""
    if compiled is None:
        return None
    size = sum(array.nbytes for items in (*arrays.values(), compiled.optimizer) for array in items)
    return compiled if size < MAX_FILE - 4 * MAX_JSON else replace(compiled, optimizer=[])


def _keras_archive(
    model: keras.Model, config: dict[str, Any], record: Record, arrays: Arrays, blank: str, compiled: Compiled | None
) -> bytes:
    metadata = {"keras_version": record.versions["keras"], KEY: record.plain()}
    if compiled is not None:
        config = config | {"compile_config": compiled.config}
    members = {
        METADATA: json.dumps(metadata).encode(),
        CONFIG: json.dumps(config).encode(),
        WEIGHTS: _weights_file(model, arrays, None, "", [] if compiled is None else compiled.optimizer),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
        archive.comment = blank.encode()
    return buffer.getvalue()


def _weights_file(
    model: keras.Model, arrays: Arrays, record: Record | None, blank: str, optimizer: Sequence[Any] = ()
) -> bytes:
    """Keras 3's layout: layers/dense_1/vars/0, and the layer's own name as an attribute; optimizer/vars/0."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        names = group_names(_plain_class(layer) for layer in model.layers)
        for layer, name in zip(model.layers, names, strict=True):
            group = file.create_group(f"layers/{name}/vars")
            group.attrs["name"] = layer.name
            for number, array in enumerate(arrays.get(layer.name, [])):
                group.create_dataset(str(number), data=array)
        file.create_group("vars").attrs["name"] = model.name
        for number, array in enumerate(optimizer):
            file.create_dataset(f"optimizer/vars/{number}", data=array)
        if record is not None:
            _stamp(file, record, blank)
    return buffer.getvalue()


def _legacy_file(
    model: keras.Model, config: dict[str, Any], record: Record, arrays: Arrays, blank: str, compiled: Compiled | None
) -> bytes:
    """The `.h5` layout of Keras 3: model_config, and weights under the layers' names."""
    inner = config["config"]
    layers = [{"class_name": item["class_name"], "config": item["config"]} for item in inner["layers"]]
    description = {"class_name": config["class_name"], "config": inner | {"layers": layers}}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(description)
        file.attrs["keras_version"] = record.versions["keras"]
        file.attrs["backend"] = "tensorflow"
        weights = file.create_group("model_weights")
        weights.attrs["keras_version"] = record.versions["keras"]
        weights.attrs["backend"] = "tensorflow"
        weights.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = weights.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, arrays.get(layer.name, []), strict=True):
                group.create_dataset(name, data=array)
        weights.create_group("top_level_model_weights").attrs["weight_names"] = []
        if compiled is not None:
            file.attrs["training_config"] = json.dumps(_training_config(compiled))
        _stamp(file, record, blank)
    return buffer.getvalue()


def _training_config(compiled: Compiled) -> dict[str, Any]:
    """The compile configuration in `.h5` form.

    Without the optimizer's variables: Keras 3 cannot read those that it writes there itself, and a model opened with
    them cannot be trained.
    """
    optimizer = {key: compiled.config["optimizer"][key] for key in ("class_name", "config")}
    given = {key: value for key, value in compiled.config.items() if key != "optimizer"}
    return {"loss_weights": None, "weighted_metrics": None} | given | {"optimizer_config": optimizer}


def _stamp(file: h5py.File, record: Record, blank: str) -> None:
    file.attrs[KEY] = record_text(record)
    file.attrs[SEAL_ATTRIBUTE] = np.bytes_(blank)


def _plain_class(layer: Any) -> str:
    name = type(layer).__name__
    kind, _ = layer_class(name)
    return name if kind is None or name == kind.extension else kind.keras_class


def _verify(content: bytes, suffix: str, arrays: Arrays, config: dict[str, Any], input_shape: Shape) -> None:
    """Read the bytes back and compare the arrays; nothing is written if they differ."""
    if suffix == ".weights.h5":
        found = transcribe_weights(content, read_architecture(config).layers, input_shape)
    else:
        found = transcribe_model(content)
    if found.input_shape != input_shape:
        raise UserError(
            f"The network expects rows of {times(found.input_shape)}, not {times(input_shape)}.",
            "Build it again and save then.",
        )
    same = list(found.arrays) == list(arrays) and all(
        mine.tobytes() == read.tobytes()
        for name in arrays
        for mine, read in zip(arrays[name], found.arrays[name], strict=True)
    )
    if not same:
        raise UserError("The file would not hold the network's weights, so it was not written.", "Try another format.")
