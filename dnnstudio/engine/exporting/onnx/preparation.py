"""The preparation of rows as ONNX nodes, in 64-bit numbers where the program computes in them."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from dnnstudio.engine.data.preparation import Preparation, PreparedColumn
from dnnstudio.engine.data.scaling import RowTransform, Scaler
from dnnstudio.engine.exporting.onnx.graph import Graph


def add_preparation(graph: Graph, transform: RowTransform) -> None:
    """Prepare the rows at the end of the graph; afterwards they are float32 of the network's input shape."""
    if isinstance(transform, Preparation):
        _add_columns(graph, transform)
        return
    assert isinstance(transform, Scaler)
    wide = len(graph.shape) == 1  # a table's rows are given in 64 bits
    if not wide and (transform.kind != "none" or transform.fill is not None):
        graph.then("Cast", to=TensorProto.DOUBLE)
        wide = True
    if transform.fill is not None:
        empty = graph.node("IsNaN", graph.node("Cast", graph.name, to=TensorProto.FLOAT))
        graph.name = graph.node("Where", empty, _rows(graph, transform.fill), graph.name)
    if transform.kind != "none":
        graph.then("Sub", _rows(graph, transform.mean))
        graph.then("Div", _rows(graph, transform.std))
    if wide:
        graph.then("Cast", to=TensorProto.FLOAT)


def _rows(graph: Graph, array: object) -> str:
    return graph.constant(np.asarray(array, np.float64))


def _add_columns(graph: Graph, preparation: Preparation) -> None:
    rows, parts = graph.name, []
    for place, column in enumerate(preparation.columns):
        graph.branch(graph.node("Gather", rows, graph.constant([place]), axis=1), (1,))
        parts.append(_of_column(graph, column))
    graph.branch(graph.node("Concat", *parts, axis=1), (len(preparation.inputs),))


def _of_column(graph: Graph, column: PreparedColumn) -> str:
    """The inputs of one column of stored values, double [n, 1], as float [n, inputs]."""
    stored = graph.name
    empty = graph.node("IsNaN", graph.node("Cast", stored, to=TensorProto.FLOAT))
    if column.fill is not None:
        graph.name = graph.node("Where", empty, _rows(graph, column.fill), stored)
    if column.column.kind == "number":
        graph.then("Sub", _rows(graph, column.offset[0]))
        graph.then("Div", _rows(graph, column.scale[0]))
    if column.column.kind == "category":
        _one_of(graph, column)
    else:
        graph.then("Cast", to=TensorProto.FLOAT)
    if column.column.indicator:
        return graph.node("Concat", graph.name, graph.node("Cast", empty, to=TensorProto.FLOAT), axis=1)
    return graph.name


def _one_of(graph: Graph, column: PreparedColumn) -> None:
    """A row of the table of inputs for each category; its last row, of zeros, is for what nobody has seen."""
    count = max((place + 1 for place in column.places), default=0)
    table = np.zeros((len(column.vocabulary) + 1, count), np.float32)
    for index, place in enumerate(column.places):
        if place >= 0:
            table[index, place] = 1.0
    last = graph.constant(np.asarray(len(column.vocabulary), np.int64))
    none = graph.constant(np.asarray(0, np.int64))
    unknown = graph.node("IsNaN", graph.node("Cast", graph.name, to=TensorProto.FLOAT))
    known = graph.node("Where", unknown, _rows(graph, -1.0), graph.name)
    category = graph.node("Cast", known, to=TensorProto.INT64)
    outside = graph.node("Or", graph.node("Less", category, none), graph.node("Greater", category, last))
    safe = graph.node("Where", outside, last, category)
    flat = graph.node("Reshape", safe, graph.constant([-1]))
    graph.name = graph.node("Gather", graph.constant(table), flat, axis=0)
