"""A graph that grows node by node, and knows where the channels of the numbers lie at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
"""Read by ONNX Runtime since 1.12 (2022); what a later opset adds is not needed."""

Shape = tuple[int, ...]


class Graph:
    """The end of the graph is `name`, whose rows have the `shape` that Keras gives them (channels last).

    `first` says that the tensor itself has its channels first, as ONNX's convolutions want them. Layers that look at
    single numbers leave them where they are, so that a chain of convolutions is not turned to and fro.
    """

    def __init__(self, name: str, shape: Shape) -> None:
        self.name = name
        self.shape = shape
        self.first = False
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._count = 0

    def branch(self, name: str, shape: Shape) -> None:
        """Go on from another tensor."""
        self.name, self.shape, self.first = name, shape, False

    def constant(self, array: NDArray[Any] | Sequence[int] | float) -> str:
        """A constant [any shape], float32 if it is a Python number; its name. A sequence becomes int64 [n]."""
        if isinstance(array, float | int):
            array = np.asarray(array, np.float32)
        elif not isinstance(array, np.ndarray):
            array = np.asarray(array, np.int64)
        name = self._new("constant")
        self.initializers.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node that reads `inputs`, the name of its one output."""
        name = self._new(kind.lower())
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"node_{name}", **attributes))
        return name

    def pair(self, kind: str, *inputs: str, **attributes: Any) -> tuple[str, str]:
        """Add a node with two outputs: their names."""
        names = (self._new(kind.lower()), self._new(kind.lower()))
        self.nodes.append(helper.make_node(kind, list(inputs), list(names), name=f"node_{names[0]}", **attributes))
        return names

    def then(self, kind: str, *more: str, **attributes: Any) -> None:
        """Add a node that reads the end of the graph, and is the new end."""
        self.name = self.node(kind, self.name, *more, **attributes)

    def for_rows(self, array: NDArray[Any]) -> str:
        """A constant that is broadcast against a row: an array [*row], or of lower rank, channels last."""
        wide = np.asarray(array, np.float32)
        wide = wide.reshape((1,) * (len(self.shape) - wide.ndim) + wide.shape)
        if self.first:
            wide = np.moveaxis(wide, -1, 0)
        return self.constant(wide)

    def channels_first(self) -> None:
        """Bring the channels to the front: (h, w, c) to (c, h, w)."""
        if not self.first:
            rank = len(self.shape)
            self.then("Transpose", perm=[0, rank, *range(1, rank)])
            self.first = True

    def channels_last(self) -> None:
        """Bring the channels to the end, where Keras has them."""
        if self.first:
            rank = len(self.shape)
            self.then("Transpose", perm=[0, *range(2, rank + 1), 1])
            self.first = False

    def reshape(self, shape: Shape) -> None:
        """Lay each row out as `shape`, in Keras's order."""
        self.channels_last()
        self.then("Reshape", self.constant([0, *shape]))
        self.shape = shape

    def to_model(self, read: tuple[str, int, Shape], output: str, about: dict[str, str]) -> onnx.ModelProto:
        """The whole model: `read` is the input's name, element type and row shape; `about` its metadata."""
        self.channels_last()
        self.nodes.append(helper.make_node("Identity", [self.name], [output], name="node_answers"))
        name, kind, shape = read
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info(name, kind, ["n", *shape])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", *self.shape])],
            self.initializers,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="dnnstudio"
        )
        helper.set_model_props(model, about)
        return model

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"
