"""The experiment's data: source, classes, split and scaling as records, and the summary known after reading."""

from dnnstudio.core.experiment.data.augmentation import AnyAugmentation, NoiseAugmentation, PictureAugmentation
from dnnstudio.core.experiment.data.record import Classes, Data, Scaling, TargetScaling
from dnnstudio.core.experiment.data.report import LeftOut, ReadingReport
from dnnstudio.core.experiment.data.sources import (
    DIGIT_CLASSES,
    FASHION_CLASSES,
    MNIST,
    SOURCE_KINDS,
    Column,
    Csv,
    Digits,
    FashionMNIST,
    Idx,
    ImageFolder,
    Npz,
    Pictures,
    Source,
    Table,
)
from dnnstudio.core.experiment.data.split import PART_NAMES, AnyValidation, FirstRows, Fraction, likely_parts
from dnnstudio.core.experiment.data.summary import DataSummary, TargetUnit, known_summary, task_class_names

__all__ = [
    "DIGIT_CLASSES",
    "FASHION_CLASSES",
    "MNIST",
    "PART_NAMES",
    "SOURCE_KINDS",
    "AnyAugmentation",
    "AnyValidation",
    "Classes",
    "Column",
    "Csv",
    "Data",
    "DataSummary",
    "Digits",
    "FashionMNIST",
    "FirstRows",
    "Fraction",
    "Idx",
    "ImageFolder",
    "LeftOut",
    "NoiseAugmentation",
    "Npz",
    "PictureAugmentation",
    "Pictures",
    "ReadingReport",
    "Scaling",
    "Source",
    "Table",
    "TargetScaling",
    "TargetUnit",
    "known_summary",
    "likely_parts",
    "task_class_names",
]
