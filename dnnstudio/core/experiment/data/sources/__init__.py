"""The data sources, one module per kind. A module added here is discovered automatically.

The order of these imports is the order of the menu; kinds of other modules follow.
"""

# ruff: noqa: I001
from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.data.sources.builtin import (
    DIGIT_CLASSES,
    FASHION_CLASSES,
    MNIST,
    Digits,
    FashionMNIST,
)
from dnnstudio.core.experiment.data.sources.idx import Idx
from dnnstudio.core.experiment.data.sources.npz import Npz
from dnnstudio.core.experiment.data.sources.csv import Csv
from dnnstudio.core.experiment.data.sources.table import Column, Table
from dnnstudio.core.experiment.data.sources.image_folder import ImageFolder
from dnnstudio.core.experiment.data.sources.pictures import Pictures

SOURCE_KINDS = Source.kinds.close(__name__)
"""Kind in the file → class, in the order of the menu."""

__all__ = [
    "DIGIT_CLASSES",
    "FASHION_CLASSES",
    "MNIST",
    "SOURCE_KINDS",
    "Column",
    "Csv",
    "Digits",
    "FashionMNIST",
    "Idx",
    "ImageFolder",
    "Npz",
    "Pictures",
    "Source",
    "Table",
]
