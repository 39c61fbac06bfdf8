"""The contents of a model file after reading, and the limits on a file's size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import MAX_NETWORK_LAYERS, AnyLayer, Shape, times
from dnnstudio.core.text import count_of, printable, shortened

if TYPE_CHECKING:  # the child process reads layers, never an experiment
    from dnnstudio.core.experiment.data import TargetUnit
    from dnnstudio.core.experiment.record import Experiment

Array = NDArray[np.float32]
Arrays = Mapping[str, list[Array]]
"""Layer id → its arrays in the order of `Layer.variables`."""

MAX_FILE = 256 * 2**20
"""Bytes of a model file."""
MAX_LAYERS = MAX_NETWORK_LAYERS
"""No network of more is trained, nor opened."""
MAX_ROW = 50_000_000
"""The most values that one row may have anywhere in the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContents:
    """A network read from a file: its layers, input shape, and the (read-only) arrays of each layer by its id.

    `experiment` is set if this program wrote the file, and `target_unit` if its network answers in a unit of its own,
    for which it has one more layer. `not_finite` names the layers with NaN or infinity. `state` is
    what the writer stored beside the network. `notes` are messages for the user.
    """

    layers: tuple[AnyLayer, ...]
    input_shape: Shape
    arrays: dict[str, list[Array]]
    experiment: Experiment | None = None
    target_unit: TargetUnit | None = None
    not_finite: tuple[str, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """The compile configuration saved with a network, for Keras to read: this program never reads it back.

    `config` holds the arguments of `compile` as Keras's own JSON. `optimizer` holds the optimizer's variables in
    Keras's order; without them Keras creates a new optimizer.
    """

    config: dict[str, Any]
    optimizer: list[NDArray[Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the comparison table: what the network requires and what the file contains; None if there
    is nothing.
    """

    layer: str
    variable: str
    needed: Shape | None
    found: Shape | None

    def sentence(self) -> str:
        """ "kernel of dense_1 is 784 × 5 in the file, but 784 × 10 in the network." """
        if self.needed is None:
            return f"the file holds {self.variable} of {self.layer}, which the network does not have"
        if self.found is None:
            return f"{self.variable} of {self.layer} is missing in the file"
        return (
            f"{self.variable} of {self.layer} is {times(self.found)} in the file, "
            f"but {times(self.needed)} in the network"
        )


class WeightsMismatchError(UserError):
    """The file's arrays do not fit the network; `differences` is the table to show."""

    def __init__(self, differences: tuple[Difference, ...], what: str = "The weights do not fit the network") -> None:
        more = len(differences) - 1
        rest = f" ({count_of(more, 'more difference')})" if more else ""
        super().__init__(f"{what}: {differences[0].sentence()}{rest}.", "Choose the file that was saved from it.")
        self.differences = differences


def shown(name: str) -> str:
    """A name from a file, made safe for display: quoted, shortened, without control characters."""
    return f'"{shortened(printable(name[:61]))}"'
