"""The experiment: the one source of truth that the window shows, the file holds and the engine trains."""

from typing import Literal, Self

from pydantic import model_validator

from dnnstudio.core.data import Data
from dnnstudio.core.layers import AnyLayer
from dnnstudio.core.optimizers import CLIPPINGS, SGD, AnyOptimizer
from dnnstudio.core.options import Option, option
from dnnstudio.core.schedules import AnySchedule, Constant
from dnnstudio.core.transfer import AnyPretraining, Transfer

Loss = Literal[
    "auto",
    "sparse_categorical_crossentropy",
    "binary_crossentropy",
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
]


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
    layer_health: bool = option(
        True,
        title="Layer health",
        help="Measure gradients and activations of each layer now and then; it changes nothing and costs little.",
        advanced=True,
    )


class Experiment(Option):
    """A whole experiment. Edits are pure functions from one to another; see `core.edits`."""

    format: Literal[1] = 1
    name: str = option(
        "Untitled", title="Name", help="What the window, the runs and the files call it.", max_length=200
    )
    seed: int = option(42, title="Seed", help="Same seed, same machine: same weights.", ge=0, le=2**32 - 1)
    data: Data = option(Data(), title="Data", help="Rows, classes, split and scaling.")
    layers: tuple[AnyLayer, ...] = option((), title="Layers", help="The stack from input to output.")
    loss: Loss = option("auto", title="Loss", help="What training makes small; auto picks it from the task.")
    optimizer: AnyOptimizer = option(SGD(), title="Optimizer", help="How the weights move.")
    schedule: AnySchedule = option(Constant(), title="Schedule", help="How the learning rate changes.")
    training: Training = option(Training(), title="Training", help="How long and in which portions.")

    transfer: Transfer | None = option(None, title="Transfer", help="Start from the layers of a trained model.")
    pretraining: AnyPretraining | None = option(
        None, title="Pretraining", help="Train the lower layers on another task, to be reused afterwards."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check_rules()
        return self

    def check_rules(self) -> None:
        """The rules between fields that are valid by themselves. Raises `ValueError`; edits call it on a copy."""
        seen: set[str] = set()
        for index, layer in enumerate(self.layers):
            if layer.id in seen:
                raise ValueError(f'layers[{index}].id "{layer.id}" is taken; each layer needs a name of its own')
            seen.add(layer.id)
        clippings = [name for name in CLIPPINGS if getattr(self.optimizer, name) is not None]
        if len(clippings) > 1:
            raise ValueError(f"optimizer has {' and '.join(clippings)}; at most one clipping may be set")

    @property
    def active_layers(self) -> tuple[AnyLayer, ...]:
        """The layers that are switched on, input first."""
        return tuple(layer for layer in self.layers if layer.enabled)
