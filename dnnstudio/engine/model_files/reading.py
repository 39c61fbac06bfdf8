"""Opens model files: a child process transcribes them, and this process verifies its answer and keeps the arrays."""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydantic import TypeAdapter, ValidationError

import dnnstudio
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import AnyLayer, Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.experiment.targets.target_unit import unit_in
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.weights import WeightsMatch, WeightsRow
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import byte_size
from dnnstudio.engine.model_files.contents import MAX_FILE, Array, Difference, ModelContents, WeightsMismatchError
from dnnstudio.engine.model_files.sniff import HINT

PATIENCE_S = 30.0
"""Wall time limit for one file; the child's own limit on processor time is far lower."""
_LOOK_S = 0.05
_LONGEST_LOOK_S = 1.0
"""What a look that takes longer counts: the program was stopped meanwhile, as by Ctrl+Z."""
_LAYERS = TypeAdapter(tuple[AnyLayer, ...])
_COMMAND = (sys.executable, "-m", "dnnstudio.engine.model_files.child")
_ENVIRONMENT = {
    "HDF5_PLUGIN_PRELOAD": "::",  # prevents HDF5 from loading external filters
    "OPENBLAS_NUM_THREADS": "1",
    "PYDANTIC_DISABLE_PLUGINS": "1",
    "PYTHONSAFEPATH": "",  # so that the package is found in a checkout
}
_log = logging.getLogger(__name__)


def read_model(path: Path, *, control: Control | None = None) -> ModelContents:
    """Transcribe the network in a model file: no code of the file is executed and Keras never loads it.

    Raises `UserError` that names the file, the location and the remedy, and `Cancelled`.
    """
    return _contents(_ask(path, "", control), path)


def read_weights(
    path: Path, experiment: Experiment, input_shape: Shape, *, control: Control | None = None
) -> ModelContents:
    """The experiment's layers with the arrays of a `.weights.h5`, a weights-only `.h5` (or any model file).

    Raises `WeightsMismatchError` with the table of differences if they do not fit, `UserError` and `Cancelled`.
    """
    header, raw = _ask(path, _request(experiment, input_shape), control)
    return _contents((header | {"record": None}, raw), path)


def match_weights(
    path: Path, experiment: Experiment, input_shape: Shape, *, control: Control | None = None
) -> WeightsMatch:
    """Which layer of the file goes to which of the experiment's, by their shapes alone.

    Raises `UserError` and `Cancelled`.
    """
    header, _ = _ask(path, _request(experiment, input_shape, match=True), control)
    active = [layer for layer in experiment.active_layers if layer.kind != "input"]
    known = {row.layer.id: row for row in infer_shapes(active, input_shape)}
    rows = []
    try:
        for name, shapes, identifier in header["match"]:
            layer = known[identifier] if identifier else None
            rows.append(
                WeightsRow(
                    file_layer=str(name),
                    found=tuple(tuple(int(n) for n in shape) for shape in shapes),
                    layer=identifier,
                    kind="" if layer is None else layer.layer.label,
                    variables=() if layer is None else tuple(variable.name for variable in layer.variables),
                    needed=() if layer is None else tuple(variable.shape for variable in layer.variables),
                )
            )
        problem, hint, notes = str(header["problem"]), str(header["hint"]), tuple(map(str, header["notes"]))
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path.name}: The file is damaged; reading it failed.", "Use a copy of it.") from None
    return WeightsMatch(rows=tuple(rows), problem=problem, hint=hint, notes=notes)


def _request(experiment: Experiment, input_shape: Shape, *, match: bool = False) -> str:
    layers = [codec.to_plain(layer) for layer in experiment.active_layers]
    return json.dumps({"layers": layers, "input_shape": list(input_shape), "match": match})


def _ask(path: Path, request: str, control: Control | None) -> tuple[dict[str, Any], memoryview]:
    """The child's header and the bytes of the arrays."""
    with _open(path) as file:
        process = subprocess.Popen(
            [*_COMMAND, request],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(dnnstudio.__file__).parent.parent,  # never the current folder, which may contain untrusted modules
            env=os.environ | _ENVIRONMENT,
        )
    output, complaint = _wait(process, path, control)
    if process.returncode or output[:4] != b"DNNM":
        _log.warning("Reading %s ended with %s: %s", path, process.returncode, complaint.decode("utf-8", "replace"))
        if process.returncode == -getattr(signal, "SIGXCPU", 0):
            raise UserError(f"{path.name}: The file takes too long to read.", "It is damaged or was tampered with.")
        raise UserError(f"{path.name}: The file is damaged; reading it failed.", "Use a copy of it.")
    length = int.from_bytes(output[4:12], "little")
    header = json.loads(output[12 : 12 + length])
    if "bug" in header:
        _log.warning("Reading %s failed: %s", path, header["bug"])
    if "differences" in header:
        raise _mismatch(header["differences"], path)
    if "error" in header:
        raise UserError(f"{path.name}: {header['error']}", header["hint"])
    return header, memoryview(output)[12 + length :]


def _wait(process: subprocess.Popen[bytes], path: Path, control: Control | None) -> tuple[bytes, bytes]:
    """What the child writes. Raises `UserError` where it takes too long, and `Cancelled`."""
    waited, before = 0.0, time.monotonic()
    try:
        while True:
            try:
                return process.communicate(timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                if control is not None:
                    control.check()
                now = time.monotonic()
                waited, before = waited + min(now - before, _LONGEST_LOOK_S), now
                if waited > PATIENCE_S:
                    raise UserError(
                        f"{path.name}: The file takes too long to read.", "Copy it to this computer and try again."
                    ) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        for pipe in (process.stdout, process.stderr):  # it may have ended by itself just when it was given up
            if pipe is not None:
                pipe.close()


def _open(path: Path) -> BinaryIO:
    """Open the file for reading; only regular files are opened (a pipe would block)."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError(f"{path.name or path} is a folder{_kind_of_folder(path)}, not a model file.", HINT)
        if not stat.S_ISREG(mode):
            raise UserError(f"{path.name} is not a file.", "Choose a .keras or .h5 file.")
        if path.stat().st_size > MAX_FILE:
            raise UserError(f"{path.name} is larger than {byte_size(MAX_FILE)}.", "Is it a model file?")
        return path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.", "Check the path.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {reason_of(error)}.", "Check its permissions.") from None
    except ValueError:  # a NUL character
        raise UserError(f"{path} cannot be read: its name is no name of a file.", "Choose another file.") from None


def _kind_of_folder(path: Path) -> str:
    kinds = {
        "saved_model.pb": " with a TensorFlow SavedModel",
        "_CHECKPOINT_METADATA": " with an Orbax checkpoint",
        "config.json": " with an unpacked Keras model",
        "experiment.json": " with a run",
    }
    return next((text for name, text in kinds.items() if (path / name).exists()), "")


def _mismatch(rows: Sequence[Sequence[Any]], path: Path) -> WeightsMismatchError:
    differences = tuple(
        Difference(layer, variable, None if needed is None else tuple(needed), None if found is None else tuple(found))
        for layer, variable, needed, found in rows
    )
    return WeightsMismatchError(differences, f"{path.name} does not fit the network")


def _contents(answer: tuple[dict[str, Any], memoryview], path: Path) -> ModelContents:
    """Verify the child's answer and convert it to `ModelContents`."""
    header, raw = answer
    try:
        layers = _LAYERS.validate_json(json.dumps(header["layers"]))
        input_shape = tuple(int(n) for n in header["input_shape"])
        arrays = _arrays(header["arrays"], raw)
    except (ValidationError, KeyError, TypeError, ValueError):
        raise UserError(f"{path.name}: The file is damaged; reading it failed.", "Use a copy of it.") from None
    needed = {row.layer.id: [v.shape for v in row.variables] for row in infer_shapes(layers, input_shape)}
    found = {name: [array.shape for array in items] for name, items in arrays.items()}
    if found != {name: shapes for name, shapes in needed.items() if shapes}:
        raise UserError(f"{path.name}: The file is damaged; reading it failed.", "Use a copy of it.")
    record = header["record"] or {}
    notes = tuple(header["notes"])
    experiment = None
    if record.get("experiment") is not None:
        experiment, note = _experiment(record["experiment"], layers)
        notes += note
    unit = None
    if experiment is not None:
        unit = unit_in(layers, experiment)
        layers = tuple(layer for layer in experiment.active_layers if layer.kind != "input")
    return ModelContents(
        layers=layers,
        input_shape=input_shape,
        arrays=arrays,
        experiment=experiment,
        target_unit=unit,
        not_finite=tuple(header["not_finite"]),
        state=record.get("state", {}),
        notes=notes,
    )


def _arrays(shapes: dict[str, list[list[int]]], raw: memoryview) -> dict[str, list[Array]]:
    """The arrays of each layer, as views of the child's output."""
    found: dict[str, list[Array]] = {}
    start = 0
    for name, items in shapes.items():
        found[name] = []
        for shape in items:
            count = prod(shape)
            array = np.frombuffer(raw, "<f4", count, start).reshape(shape)
            found[name].append(array.astype(np.float32, copy=False))
            start += 4 * count
    if start != len(raw):
        raise ValueError("more or fewer bytes than announced")
    return found


def _experiment(plain: Any, layers: tuple[AnyLayer, ...]) -> tuple[Experiment | None, tuple[str, ...]]:
    """The stored experiment if it describes the same stack, and a message if not."""
    try:
        experiment = codec.from_plain(plain)
    except UserError as error:
        return None, (f"The experiment stored in the file could not be read: {error.message}",)
    stack = [(layer.id, layer.kind) for layer in experiment.active_layers if layer.kind != "input"]
    own = layers if unit_in(layers, experiment) is None else layers[:-1]
    if stack != [(layer.id, layer.kind) for layer in own]:
        return None, ("The experiment stored in the file describes other layers; only the network was taken over.",)
    return experiment, ()
