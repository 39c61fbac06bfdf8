"""How much the training rows of each class count in the loss, where classes are of unequal size."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, model_validator

from dnnstudio.core.experiment.fields import Option, option


class BalancedWeights(Option):
    """Each class weighs rows / (classes · its rows), as scikit-learn's `compute_class_weight("balanced")`."""

    kind: Literal["balanced"] = "balanced"
    label = "Balanced"
    help = "Rare classes count more, so that every class has the same share in the loss."


class ClassWeight(Option):
    """The weight of one class, by its name."""

    label = "Class weight"
    help = "How much each training row of a class counts in the loss."
    name: str = option(title="Class", help="The class's name.", initial="class", min_length=1)
    weight: float = option(1.0, title="Weight", help="How much each of its rows counts.", ge=0, le=1e6)


class OwnWeights(Option):
    """A weight for each class that is named; the others weigh 1."""

    kind: Literal["own"] = "own"
    label = "Own"
    help = "A weight of your own for each class; what is not named counts 1."
    weights: tuple[ClassWeight, ...] = option(
        (), title="Weights", help="Name and weight of each class that counts other than 1.", max_length=1_000
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [item.name for item in self.weights]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f'weights has "{twice}" twice; each class stands there once')
        if names and not any(item.weight for item in self.weights):
            raise ValueError("weights are all 0; at least one class must count")
        return self


AnyClassWeight = Annotated[BalancedWeights | OwnWeights, Discriminator("kind")]
