"""Transfer learning: which layers are reused, cloned or shared, and frozen in which phases; and unsupervised
pretraining.

A shared layer is the same variable in both networks: training one changes the other, on disk too. A cloned layer starts
from the same weights and is then independent.
"""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, model_validator

from dnnstudio.core.experiment.fields import Option, option
from dnnstudio.core.experiment.optimizers import AnyOptimizer


class Reuse(Option):
    """One layer of the new network that starts from a trained one."""

    layer: str = option(title="Layer", help="The layer of this network.", initial="layer", min_length=1)
    source: str = option(title="From", help="The layer of the source whose weights it takes.", initial="layer")
    mode: Literal["clone", "share"] = option(
        "clone", title="How", help="A clone goes its own way; a shared layer changes in the source too."
    )


class Phase(Option):
    """A phase of the training with its own frozen layers, learning rate and optimizer. Each begins with a new
    `compile`.
    """

    epochs: int = option(title="Epochs", help="How long this phase takes.", initial=4, ge=1, le=100_000)
    frozen: tuple[str, ...] = option(
        (), title="Frozen", help="Layers that do not learn in this phase: names, or patterns such as hidden_*."
    )
    learning_rate: float | None = option(
        None, title="Learning rate", help="The rate of this phase; left out, the optimizer's.", gt=0, le=1e6
    )
    optimizer: AnyOptimizer | None = option(
        None, title="Optimizer", help="The optimizer of this phase; left out, the experiment's.", advanced=True
    )


class Transfer(Option):
    """Start from the layers of a trained model."""

    source: str = option(
        title="Source",
        help="A run folder or model file, absolute or as seen from the folder of the experiment file.",
        initial="",
    )
    reuse: tuple[Reuse, ...] = option((), title="Reused layers", help="Which layers start from trained ones.")
    phases: tuple[Phase, ...] = option(
        (), title="Phases", help="Frozen first, then unfrozen at a lower rate; empty means one phase, nothing frozen."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [item.layer for item in self.reuse]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'transfer.reuse names the layer "{name}" twice; a layer starts from one other')
        return self

    def with_renamed(self, before: str, after: str) -> Self:
        """The same transfer after the layer `before` has been renamed to `after`."""
        reuse = tuple(item.replaced(layer=after) if item.layer == before else item for item in self.reuse)
        phases = tuple(
            phase.replaced(frozen=tuple(after if name == before else name for name in phase.frozen))
            for phase in self.phases
        )
        return self.replaced(reuse=reuse, phases=phases)

    @property
    def epochs(self) -> int:
        """Epochs of all phases together; 0 when there are none."""
        return sum(phase.epochs for phase in self.phases)

    @property
    def shared(self) -> tuple[Reuse, ...]:
        """The reused layers that are shared, so that training changes them in the source too."""
        return tuple(item for item in self.reuse if item.mode == "share")


class Autoencoder(Option):
    """Pretraining by reconstructing the input through a bottleneck; labels are not used."""

    kind: Literal["autoencoder"] = "autoencoder"
    label = "Autoencoder"
    help = "The lower layers learn to describe the images so well that mirrored layers can draw them again."
    until: str = option(title="Encoder ends at", help="The last layer of the encoder.", initial="layer", min_length=1)
    greedy: bool = option(
        False, title="Layer by layer", help="Train one layer at a time instead of the whole encoder at once."
    )
    more_epochs: int = option(
        0,
        title="More epochs",
        help="Layer by layer: epochs that the last layer trains beyond the others, as added to a run that has ended.",
        ge=0,
        le=100_000,
    )


class Rotation(Option):
    """Pretraining by predicting how an image was rotated: 0, 90, 180 or 270 degrees."""

    kind: Literal["rotation"] = "rotation"
    label = "Predict the rotation"
    help = (
        "Images are turned by a quarter, half or three quarters; the network says by how much (Gidaris et al., 2018)."
    )
    until: str = option(title="Reused up to", help="The last layer to be reused.", initial="layer", min_length=1)


AnyPretraining = Annotated[Autoencoder | Rotation, Discriminator("kind")]
