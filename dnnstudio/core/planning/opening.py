"""What is kept of the experiment that was open when another thing is opened, and what belonged to it and goes.

One table for every way of opening. A transfer, a pretraining, a loss and recorded rates belong to the network that they
were made for; kept beside another one, they would train something else than is shown.
"""

from __future__ import annotations

from enum import StrEnum

from dnnstudio.core.experiment.record import Experiment


class Opening(StrEnum):
    """What is opened."""

    EXPERIMENT = "experiment"
    """An experiment file, a run folder, or unsaved edits that were kept: the whole experiment is in it."""
    RECIPE = "recipe"
    MODEL = "model"
    """A model file or run that carries its whole experiment."""
    NETWORK = "network"
    """A model file of another program: layers and weights, and nothing else."""
    DATA = "data"
    """Other rows for the network that is open, chosen in its data panel."""
    DATA_FOLLOWED = "data followed"
    """A person's own data, to whose target the last of the open layers is fitted."""
    DATA_WITH_NETWORK = "data with network"
    """A person's own data, and a network that is made for it."""


KEPT: dict[Opening, frozenset[str]] = {
    Opening.EXPERIMENT: frozenset(),
    Opening.RECIPE: frozenset(),
    Opening.MODEL: frozenset(),
    Opening.NETWORK: frozenset({"seed", "data", "optimizer", "schedule", "training"}),
    Opening.DATA: frozenset(
        {"name", "seed", "layers", "loss", "optimizer", "schedule", "training", "transfer", "pretraining"}
    ),
    Opening.DATA_FOLLOWED: frozenset({"name", "seed", "optimizer", "schedule", "training", "transfer", "pretraining"}),
    Opening.DATA_WITH_NETWORK: frozenset(),
}
"""The fields of the open experiment that stay; every other one is the opened thing's, or its default."""


def opened(before: Experiment, given: Experiment, kind: Opening) -> Experiment:
    """The experiment after opening `given` while `before` was open. `format` is always this program's."""
    kept = {name: getattr(before, name) for name in KEPT[kind]}
    return given.replaced(**kept) if kept else given
