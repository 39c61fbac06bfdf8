"""LiteRT (TensorFlow Lite) files for phones and small devices, by TensorFlow's own converter and interpreter."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.temporary import temporary_folder
from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.exporting.network import ExportedNetwork, Runner
from dnnstudio.engine.exporting.saved_model import write_archive


def save_litert(network: ExportedNetwork, path: Path) -> ExportedNetwork:
    """Write the file `path`; what was written. The format computes in 32 bits: it prepares pictures, but no tables.

    Raises `UserError` where a layer needs what the format has not got, and `OSError`.
    """
    if network.carries_preparation and network.dtype is np.float64:
        network = network.without_preparation()
    with temporary_folder(".dnnstudio-", within=path.parent) as folder:
        # By way of a SavedModel the converter sees every variable, and makes constants of them.
        write_archive(network, Path(folder) / "model")
        path.write_bytes(_converted(Path(folder) / "model"))
    return network


def _converted(folder: Path) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    try:
        content: bytes = converter.convert()
    except Exception as error:
        if type(error).__name__ != "ConverterError":
            raise
        raise UserError(
            f"The network has something that LiteRT files cannot hold: {_missing(str(error))}.",
            "Export it as ONNX or as a SavedModel, or take that layer out.",
        ) from error
    return content


def _missing(text: str) -> str:
    """The operations that a converter's report says are missing."""
    found = [line for line in text.splitlines() if "tf." in line and "Op" not in line]
    return " ".join(found[-1].split())[:200] if found else "an operation that the format lacks"


def open_litert(path: Path) -> tuple[str, Runner]:
    """The interpreter's name and version, and what runs the file: rows [n, *shape] → answers [n, units]."""
    content = path.read_bytes()  # the interpreter reads the weights in it, and does not keep it
    with warnings.catch_warnings():  # it says that it will move to a package of its own
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=content)
    read, answered = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    shape: list[tuple[int, ...]] = []

    def run(rows: NDArray[Any], held: bytes = content) -> NDArray[np.float32]:
        del held
        if shape != [rows.shape]:
            interpreter.resize_tensor_input(read, rows.shape)
            interpreter.allocate_tensors()
            shape[:] = [rows.shape]
        interpreter.set_tensor(read, rows)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(answered), np.float32)

    return f"LiteRT of TensorFlow {tf.__version__}", run
