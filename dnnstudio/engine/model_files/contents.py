"""What a model file holds once it was read, and the sizes that no file may exceed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.layers import AnyLayer, Shape, times

if TYPE_CHECKING:  # the child reads layers, never an experiment
    from dnnstudio.core.experiment import Experiment

Array = NDArray[np.float32]
Arrays = Mapping[str, list[Array]]
"""Layer id → its arrays in the order of `Layer.variables`."""

MAX_FILE = 256 * 2**20
"""Bytes of a model file."""
MAX_LAYERS = 200
"""Keras itself needs 43 s to build 400 layers; a file must not cost that much."""
MAX_ROW = 50_000_000
"""Numbers that one row may have anywhere in the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContents:
    """A network out of a file: its layers, the shape of one row, and the (read-only) arrays of each layer by its id.

    `experiment` is there when this program wrote the file. `not_finite` names the layers that hold NaN or infinity.
    `state` is what the writer stored beside the network. `notes` are sentences for the person.
    """

    layers: tuple[AnyLayer, ...]
    input_shape: Shape
    arrays: dict[str, list[Array]]
    experiment: Experiment | None = None
    not_finite: tuple[str, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """How a network that is saved was compiled, for Keras to read: this program never reads it back.

    `config` holds the arguments of `compile` as Keras's own JSON. `optimizer` holds the optimizer's variables in
    Keras's order; without them Keras makes a fresh one.
    """

    config: dict[str, Any]
    optimizer: list[NDArray[Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the side-by-side table: what the network needs and what the file holds; None where nothing is."""

    layer: str
    variable: str
    needed: Shape | None
    found: Shape | None

    def sentence(self) -> str:
        """kernel of dense_1 is 784 × 5 in the file, but 784 × 10 in the network."""
        if self.needed is None:
            return f"the file holds {self.variable} of {self.layer}, which the network does not have"
        if self.found is None:
            return f"{self.variable} of {self.layer} is missing in the file"
        return (
            f"{self.variable} of {self.layer} is {times(self.found)} in the file, "
            f"but {times(self.needed)} in the network"
        )


class WeightsMismatchError(UserError):
    """Arrays that do not belong to the network; `differences` is the table to show side by side."""

    def __init__(self, differences: tuple[Difference, ...], what: str = "The weights do not fit the network") -> None:
        more = len(differences) - 1
        rest = f" ({more} more difference{'s' if more > 1 else ''})" if more else ""
        super().__init__(f"{what}: {differences[0].sentence()}{rest}.", "Choose the file that was saved from it.")
        self.differences = differences


def printable(text: str) -> str:
    """`text` without control characters and marks that turn the writing direction."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def shown(name: str) -> str:
    """A name out of a file as it may be shown: quoted, without control characters, not too long."""
    safe = printable(name[:61])
    return f'"{safe[:60]}…"' if len(name) > 60 else f'"{safe}"'
