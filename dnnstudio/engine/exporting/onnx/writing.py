"""Writes a network as an ONNX file, checked by `onnx.checker`, and runs such a file by ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, checker

import dnnstudio
from dnnstudio.core.errors import UserError
from dnnstudio.core.text import byte_size
from dnnstudio.engine.exporting.network import INPUT, OUTPUT, ExportedNetwork, Runner, can_prepare
from dnnstudio.engine.exporting.onnx import images  # noqa: F401 - registers its converters
from dnnstudio.engine.exporting.onnx.graph import Graph
from dnnstudio.engine.exporting.onnx.layers import add_layer
from dnnstudio.engine.exporting.onnx.preparation import add_preparation
from dnnstudio.engine.exporting.onnx.runtime import onnx_runtime

MAX_BYTES = 2**31 - 2**20
"""A protobuf message has at most 2 GB."""


def onnx_model(network: ExportedNetwork) -> onnx.ModelProto:
    """The network as a checked model. Raises `UserError`, which names a layer that an ONNX file cannot hold."""
    graph = Graph(INPUT, network.shape)
    answers = []
    for member in network.members:
        graph.branch(INPUT, network.shape)
        if member.transform is not None:
            add_preparation(graph, member.transform)
            graph.shape = tuple(int(size) for size in member.model.input_shape[1:])
        for layer in member.model.layers:
            add_layer(graph, layer, stochastic=network.stochastic)
        graph.channels_last()
        answers.append(graph.name)
    if len(answers) > 1:
        graph.name = graph.node("Mean", *answers)
    about = {"dnnstudio": dnnstudio.__version__, "classes": json.dumps(network.classes, ensure_ascii=False)}
    if network.columns:
        about["columns"] = json.dumps(network.columns, ensure_ascii=False)
    kind = TensorProto.DOUBLE if network.dtype is np.float64 else TensorProto.FLOAT
    model = graph.to_model((INPUT, kind, network.shape), OUTPUT, about)
    if model.ByteSize() > MAX_BYTES:
        raise UserError(f"The network takes {byte_size(model.ByteSize())}, and an ONNX file holds 2 GB.", "Shrink it.")
    checker.check_model(model, full_check=True)
    return model


def save_onnx(network: ExportedNetwork, path: Path) -> ExportedNetwork:
    """Write the file `path`, with the preparation of the rows as far as it holds that; what was written.

    Raises `UserError` before anything is written, and `OSError`.
    """
    if network.carries_preparation and not can_prepare(network):
        network = network.without_preparation()
    path.write_bytes(onnx_model(network).SerializeToString())
    return network


def open_onnx(path: Path) -> tuple[str, Runner]:
    """ONNX Runtime's name and version, and what runs the file: rows [n, *shape] → answers [n, units].

    Raises `ImportError` where it is not installed.
    """
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def run(rows: NDArray[Any]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([OUTPUT], {INPUT: rows})[0]
        return found

    return f"onnxruntime {onnxruntime.__version__}", run
