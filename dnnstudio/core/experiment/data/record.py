"""The data section of an experiment: source, classes, scaling and split."""

from typing import Literal

from dnnstudio.core.experiment.data.augmentation import AnyAugmentation
from dnnstudio.core.experiment.data.sources import Digits, Source
from dnnstudio.core.experiment.data.split import AnyValidation, Fraction
from dnnstudio.core.experiment.fields import Option, option

Scaling = Literal["none", "unit", "standardize"]
TargetScaling = Literal["none", "standard"]


class Classes(Option):
    """Which labels are used. `keep` renumbers them 0…n−1 in the given order; `positive` makes the task binary."""

    keep: tuple[int, ...] | None = option(
        None,
        title="Keep",
        help="The labels that take part, renumbered in this order; empty means all.",
        min_length=2,
    )
    positive: int | None = option(
        None, title="Positive", help="This label becomes 1 and every other kept label 0.", ge=0
    )


class Data(Option):
    """The data section of an experiment: source, classes, scaling and split."""

    source: Source = option(Digits(), title="Source", help="Where the rows come from.")
    classes: Classes = option(Classes(), title="Classes", help="Which labels take part.")
    train_limit: int | None = option(
        None,
        title="Training rows",
        initial=1000,
        help="Keep only the first so many training rows after the split.",
        ge=1,
    )
    test_share: float = option(
        0.2,
        title="Test share",
        help="The share of the rows that is kept for the test, where the source has no test rows of its own.",
        gt=0,
        lt=1,
        advanced=True,
    )
    validation: AnyValidation = option(
        Fraction(fraction=0.2), title="Validation", help="The rows that judge the network while it trains."
    )
    augmentation: AnyAugmentation | None = option(
        None, title="Augmentation", help="Vary the training rows anew in every epoch.", advanced=True
    )
    scaling: Scaling = option(
        "unit",
        title="Scaling",
        help="As stored, brought to 0…1, or standardized by the training rows' mean and spread.",
    )
    target_scaling: TargetScaling = option(
        "none",
        title="Scaling of the target",
        help="Learn a number as it is stored, or standardized by the training rows' mean and spread; every figure "
        "and every answer is in its own unit either way.",
        advanced=True,
    )
