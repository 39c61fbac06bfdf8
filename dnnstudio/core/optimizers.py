"""The optimizers, in Keras's words and with Keras's defaults (https://keras.io/api/optimizers)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator

from dnnstudio.core.options import Option, option


def _rate(default: float = 0.001) -> Any:
    return option(
        default,
        title="Learning rate",
        help="The length of a step: the most important number of all.",
        gt=0,
        le=1e6,
    )


def _decay(name: str, default: float, help: str) -> Any:
    return option(default, title=name, help=help, ge=0, lt=1)


def _epsilon() -> Any:
    return option(1e-7, title="Epsilon", help="Keeps the division by the gradient's size finite.", gt=0, advanced=True)


class Optimizer(Option):
    """What every optimizer has. At most one of the three clippings may be set."""

    learning_rate: float = _rate()


class _Tail(Optimizer):
    weight_decay: float | None = option(
        None,
        title="Weight decay",
        help="Shrinks all weights by this share of the rate at each step.",
        ge=0,
        advanced=True,
    )
    clipnorm: float | None = option(
        None,
        title="Clip norm",
        help="Shortens each variable's gradient to this norm; keeps its direction.",
        gt=0,
    )
    clipvalue: float | None = option(
        None,
        title="Clip value",
        help="Cuts each number of the gradient to ± this; may change its direction.",
        gt=0,
    )
    global_clipnorm: float | None = option(
        None,
        title="Global clip norm",
        help="Shortens the whole gradient to this norm; keeps its direction.",
        gt=0,
    )
    use_ema: bool = option(
        False,
        title="Average weights",
        help="Keeps a moving average of the weights and ends with it.",
        advanced=True,
    )
    ema_momentum: float = option(
        0.99, title="Averaging momentum", help="How slowly the average follows.", ge=0, lt=1, advanced=True
    )
    ema_overwrite_frequency: int | None = option(
        None, title="Take the average every", help="Steps after which the weights become their average.", ge=1,
        unit="steps", advanced=True,
    )  # fmt: skip


class SGD(_Tail):
    kind: Literal["sgd"] = "sgd"
    label = "SGD"
    keras_class = "SGD"
    help = "Steps down the gradient; with momentum it gathers speed like a ball rolling downhill (Polyak, 1964)."
    learning_rate: float = _rate(0.01)
    momentum: float = _decay("Momentum", 0.0, "How much of the last step is kept: 0.9 is usual, 0 is plain SGD.")
    nesterov: bool = option(
        False,
        title="Nesterov",
        help="Looks at the gradient a little ahead, where the momentum leads (Nesterov, 1983).",
    )


class Adam(_Tail):
    kind: Literal["adam"] = "adam"
    label = "Adam"
    keras_class = "Adam"
    help = "Momentum, and a rate of its own for each weight (Kingma and Ba, 2014)."
    beta_1: float = _decay("Beta 1", 0.9, "Memory of the gradient's mean.")
    beta_2: float = _decay("Beta 2", 0.999, "Memory of the gradient's size.")
    epsilon: float = _epsilon()
    amsgrad: bool = option(
        False,
        title="AMSGrad",
        help="Never lets a weight's rate grow again (Reddi et al., 2018).",
        advanced=True,
    )


AnyOptimizer = Annotated[SGD | Adam, Discriminator("kind")]
OPTIMIZER_KINDS: dict[str, type[Optimizer]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnyOptimizer)[0])
}
CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")
