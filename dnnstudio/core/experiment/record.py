"""The experiment: the one source of truth that the window shows, the file holds and the engine trains."""

from typing import Literal, Self

from pydantic import model_validator

from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.fields import Option, option
from dnnstudio.core.experiment.layers import AnyLayer
from dnnstudio.core.experiment.optimizers import CLIPPINGS, SGD, AnyOptimizer
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.schedules import AnySchedule, Constant
from dnnstudio.core.experiment.targets.class_weights import AnyClassWeight
from dnnstudio.core.experiment.targets.losses import LossChoice
from dnnstudio.core.experiment.transfer import AnyPretraining, Transfer


class EarlyStopping(Option):
    patience: int = option(
        10, title="Patience", help="Epochs without improvement before training stops.", ge=0, unit="epochs"
    )
    min_delta: float = option(0.0, title="Smallest gain", help="What counts as improvement.", ge=0, advanced=True)
    monitor: Literal["val_loss", "val_accuracy", "loss"] = option(
        "val_loss", title="Watch", help="The figure that must improve.", advanced=True
    )
    restore_best: bool = option(
        True, title="Restore the best", help="End with the weights of the best epoch.", advanced=True
    )


class Training(Option):
    epochs: int = option(10, title="Epochs", help="How often every training row is seen.", ge=1, le=100_000)
    batch_size: int = option(32, title="Batch size", help="Rows a step.", ge=1, le=1_000_000, unit="rows")
    shuffle: bool = option(True, title="Shuffle", help="See the rows in a new order every epoch.", advanced=True)
    early_stopping: EarlyStopping | None = option(
        None, title="Early stopping", help="Stop when the validation figures no longer improve."
    )
    class_weight: AnyClassWeight | None = option(
        None,
        title="Class weights",
        help="Let the rows of rare classes count more in the loss; off, every row counts alike.",
        advanced=True,
    )
    layer_health: bool = option(
        True,
        title="Layer health",
        help="Measure gradients and activations of each layer now and then; it changes nothing and costs little.",
        advanced=True,
    )
    tensorboard: bool = option(
        False,
        title="TensorBoard files",
        help="Write each epoch's figures to tensorboard/ in the run's folder too, for TensorBoard to show.",
        advanced=True,
    )


class DuplicateNameError(ValueError):
    """Two layers of an experiment have the same name."""


LONGEST_NAME = 200


class Experiment(Option):
    """A whole experiment. Edits are pure functions from one to another; see `core.experiment.edits`."""

    format: Literal[1] = 1
    name: str = option(
        "Untitled", title="Name", help="What the window, the runs and the files call it.", max_length=LONGEST_NAME
    )
    seed: int = option(42, title="Seed", help="Same seed, same machine: same weights.", ge=0, le=2**32 - 1)
    data: Data = option(Data(), title="Data", help="Rows, classes, split and scaling.")
    layers: tuple[AnyLayer, ...] = option((), title="Layers", help="The stack from input to output.")
    loss: LossChoice = option("auto", title="Loss", help="What training makes small; auto picks it from the task.")
    optimizer: AnyOptimizer = option(SGD(), title="Optimizer", help="How the weights move.")
    schedule: AnySchedule = option(Constant(), title="Schedule", help="How the learning rate changes.")
    training: Training = option(Training(), title="Training", help="How long and in which portions.")
    rate_changes: tuple[RateChange, ...] = option(
        (),
        title="Changes of the rate",
        help="Where a training left its planned rates, as it was really led.",
        max_length=10_000,
        advanced=True,
    )

    transfer: Transfer | None = option(None, title="Transfer", help="Start from the layers of a trained model.")
    pretraining: AnyPretraining | None = option(
        None, title="Pretraining", help="Train the lower layers on another task, to be reused afterwards."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check_rules()
        return self

    def check_rules(self) -> None:
        """Check the rules between individually valid fields. Raises `ValueError`; edits call it on a copy."""
        seen: set[str] = set()
        for index, layer in enumerate(self.layers):
            if layer.id in seen:
                raise DuplicateNameError(
                    f'layers[{index}].id "{layer.id}" is taken; each layer needs a name of its own'
                )
            seen.add(layer.id)
        optimizers = [("optimizer", self.optimizer)]
        for index, phase in enumerate(self.transfer.phases if self.transfer is not None else ()):
            if phase.optimizer is not None:
                optimizers.append((f"transfer.phases[{index}].optimizer", phase.optimizer))
        for path, optimizer in optimizers:
            clippings = [name for name in CLIPPINGS if getattr(optimizer, name) is not None]
            if len(clippings) > 1:
                raise ValueError(f"{path} has {' and '.join(clippings)}; at most one clipping may be set")

    @property
    def active_layers(self) -> tuple[AnyLayer, ...]:
        """The enabled layers, input first."""
        return tuple(layer for layer in self.layers if layer.enabled)
