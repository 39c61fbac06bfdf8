"""The ways to make sets of classes that a person chooses from, with the words for them."""

from __future__ import annotations

from enum import StrEnum

from dnnstudio.core.uncertainty.conformal import SetMethod


class SetKind(StrEnum):
    """How sets are made: one threshold for all classes by either score, or one for each class by the first."""

    LAC = "lac"
    APS = "aps"
    BY_CLASS = "by_class"

    @property
    def method(self) -> SetMethod:
        """The score of a class."""
        return SetMethod.APS if self is SetKind.APS else SetMethod.LAC

    @property
    def by_class(self) -> bool:
        """Whether each class has a threshold of its own (class-conditional or Mondrian)."""
        return self is SetKind.BY_CLASS

    @property
    def name_shown(self) -> str:
        """Its short name."""
        return {"lac": "LAC", "aps": "APS", "by_class": "Per class"}[self]

    @property
    def help(self) -> str:
        """What it does, and what for."""
        return {
            "lac": "One threshold on 1 − probability: the smallest sets on average",
            "aps": "One threshold on the probability of all classes down to this one: larger sets where in doubt",
            "by_class": "A threshold of its own for each class: the promise holds in every class",
        }[self]
