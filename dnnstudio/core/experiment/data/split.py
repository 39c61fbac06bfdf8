"""Which training rows are held out for validation."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Discriminator

from dnnstudio.core.experiment.fields import Option, option

PART_NAMES: dict[str, int] = {
    "train": 0,
    "training": 0,
    "fit": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
    "eval": 2,
    "evaluation": 2,
    "holdout": 2,
}
"""What a folder or a split column may call the parts, in lower case: training 0, validation 1, test 2."""


def likely_parts(classes: Sequence[str]) -> bool:
    """Whether what was taken for classes are the parts of a data set: all so called, training among them."""
    parts = {PART_NAMES.get(name.strip().casefold()) for name in classes}
    return len(parts) > 1 and 0 in parts and None not in parts


class FirstRows(Option):
    kind: Literal["first"] = "first"
    label = "First rows"
    help = "The first rows are kept for validation, as the chapter does."
    count: int = option(5000, title="Rows", help="How many rows validate.", ge=1)


class Fraction(Option):
    kind: Literal["fraction"] = "fraction"
    label = "A share"
    help = "A share of each class, drawn with the experiment's seed."
    fraction: float = option(0.1, title="Share", help="The share of the training rows that validates.", gt=0, lt=1)


AnyValidation = Annotated[FirstRows | Fraction, Discriminator("kind")]
