"""The optimizers. A new one is a class in a module of this package, which is discovered automatically."""

from dnnstudio.core.experiment.optimizers.base import CLIPPINGS, Optimizer
from dnnstudio.core.experiment.optimizers.records import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    Nadam,
    RMSprop,
)

OPTIMIZER_KINDS = Optimizer.kinds.close(__name__)
"""Kind in the file → class, in the order of the menu."""

AnyOptimizer = Optimizer
"""The type of a field that holds an optimizer of any kind."""

__all__ = [
    "CLIPPINGS",
    "OPTIMIZER_KINDS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AnyOptimizer",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
]
