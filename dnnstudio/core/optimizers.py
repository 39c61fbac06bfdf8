"""The optimizers, in Keras's words and with Keras's defaults (https://keras.io/api/optimizers)."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator

from dnnstudio.core.options import Option, option

CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")
"""At most one of these may be set."""


def _rate(default: float = 0.001) -> Any:
    return option(
        default, title="Learning rate", help="The length of a step: the most important number of all.", gt=0, le=1e6
    )


def _memory(title: str, default: float, help: str, **more: Any) -> Any:
    """A number from 0 to below 1 by which the past fades."""
    return option(default, title=title, help=help, ge=0, lt=1, **more)


def _epsilon() -> Any:
    return option(1e-7, title="Epsilon", help="Keeps the division by the gradient's size finite.", gt=0, advanced=True)


def _beta_1(default: float = 0.9) -> Any:
    return _memory("Beta 1", default, "Memory of the gradient's mean: how much momentum.")


def _beta_2(default: float = 0.999) -> Any:
    return _memory("Beta 2", default, "Memory of the gradient's size.")


def _weight_decay(default: float | None = None) -> Any:
    return option(
        default,
        title="Weight decay",
        initial=0.004,
        help="Shrinks all weights by this share of the learning rate at each step (Loshchilov and Hutter, 2017).",
        ge=0,
        advanced=default is None,
        late=True,
    )


class Optimizer(Option):
    """What every optimizer has: a rate, one of three clippings, weight decay and averaging of the weights."""

    learning_rate: float = _rate()
    clipnorm: float | None = option(
        None,
        title="Clip norm",
        initial=1.0,
        help="Shortens each variable's gradient to this norm and keeps its direction: [0.9, 100] becomes [0.009, 1].",
        gt=0,
        late=True,
    )
    clipvalue: float | None = option(
        None,
        title="Clip value",
        initial=1.0,
        help="Cuts each number of the gradient to ± this, which may turn it: [0.9, 100] becomes [0.9, 1].",
        gt=0,
        late=True,
    )
    global_clipnorm: float | None = option(
        None,
        title="Global clip norm",
        initial=1.0,
        help="Shortens the gradient of the whole network to this norm and keeps its direction.",
        gt=0,
        late=True,
    )
    weight_decay: float | None = _weight_decay()
    use_ema: bool = option(
        False,
        title="Average the weights",
        help="Keeps a moving average of the weights, and puts it in their place at the end of the training.",
        advanced=True,
        late=True,
    )
    ema_momentum: float = _memory(
        "Averaging momentum", 0.99, "How slowly the average of the weights follows them.", advanced=True, late=True
    )
    ema_overwrite_frequency: int | None = option(
        None,
        title="Take the average every",
        initial=100,
        help="Steps after which the weights become their average; off means once, at the end of the training.",
        ge=1,
        unit="steps",
        advanced=True,
        late=True,
    )


class SGD(Optimizer):
    kind: Literal["sgd"] = "sgd"
    label = "SGD"
    keras_class = "SGD"
    help = "Steps down the gradient; with momentum it gathers speed like a ball rolling downhill (Polyak, 1964)."
    learning_rate: float = _rate(0.01)
    momentum: float = _memory("Momentum", 0.0, "How much of the last step is kept: 0.9 is usual, 0 is plain SGD.")
    nesterov: bool = option(
        False, title="Nesterov", help="Takes the gradient a little ahead, where momentum leads (Nesterov, 1983)."
    )


class Adagrad(Optimizer):
    kind: Literal["adagrad"] = "adagrad"
    label = "AdaGrad"
    keras_class = "Adagrad"
    help = "Shortens steps along steep directions for ever; stops too early for deep networks (Duchi et al., 2011)."
    initial_accumulator_value: float = option(
        0.1, title="Initial accumulator", help="What the sum of squared gradients starts from.", ge=0, advanced=True
    )
    epsilon: float = _epsilon()


class Adadelta(Optimizer):
    kind: Literal["adadelta"] = "adadelta"
    label = "Adadelta"
    keras_class = "Adadelta"
    help = "AdaGrad that forgets, with steps measured by earlier steps (Zeiler, 2012)."
    rho: float = _memory("Rho", 0.95, "How much of the squared gradients is remembered.")
    epsilon: float = _epsilon()


class RMSprop(Optimizer):
    kind: Literal["rmsprop"] = "rmsprop"
    label = "RMSProp"
    keras_class = "RMSprop"
    help = "AdaGrad that remembers only recent gradients (Tieleman and Hinton, 2012)."
    rho: float = _memory("Rho", 0.9, "How much of the squared gradients is remembered.")
    momentum: float = _memory("Momentum", 0.0, "How much of the last step is kept.")
    epsilon: float = _epsilon()
    centered: bool = option(
        False, title="Centred", help="Divides by the gradient's spread instead of its size.", advanced=True
    )


class Adam(Optimizer):
    kind: Literal["adam"] = "adam"
    label = "Adam"
    keras_class = "Adam"
    help = "Momentum, and a rate of its own for each weight (Kingma and Ba, 2014)."
    beta_1: float = _beta_1()
    beta_2: float = _beta_2()
    epsilon: float = _epsilon()
    amsgrad: bool = option(
        False, title="AMSGrad", help="Never lets a weight's own rate grow again (Reddi et al., 2018).", advanced=True
    )


class AdamW(Optimizer):
    kind: Literal["adamw"] = "adamw"
    label = "AdamW"
    keras_class = "AdamW"
    help = "Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2017)."
    weight_decay: float = _weight_decay(0.004)  # Keras refuses None here; Adam is AdamW without it
    beta_1: float = _beta_1()
    beta_2: float = _beta_2()
    epsilon: float = _epsilon()
    amsgrad: bool = option(
        False, title="AMSGrad", help="Never lets a weight's own rate grow again (Reddi et al., 2018).", advanced=True
    )


class Adamax(Optimizer):
    kind: Literal["adamax"] = "adamax"
    label = "Adamax"
    keras_class = "Adamax"
    help = "Adam that scales by the largest recent gradient: steadier on some tasks (Kingma and Ba, 2014)."
    beta_1: float = _beta_1()
    beta_2: float = _beta_2()
    epsilon: float = _epsilon()


class Nadam(Optimizer):
    kind: Literal["nadam"] = "nadam"
    label = "Nadam"
    keras_class = "Nadam"
    help = "Adam with Nesterov's look ahead: often a little faster (Dozat, 2016)."
    beta_1: float = _beta_1()
    beta_2: float = _beta_2()
    epsilon: float = _epsilon()


class Lion(Optimizer):
    kind: Literal["lion"] = "lion"
    label = "Lion"
    keras_class = "Lion"
    help = (
        "Steps of one size, only their sign from the gradient; wants a 3 to 10 times smaller rate (Chen et al., 2023)."
    )
    beta_1: float = _beta_1()
    beta_2: float = _beta_2(0.99)


class Muon(Optimizer):
    kind: Literal["muon"] = "muon"
    label = "Muon"
    keras_class = "Muon"
    help = "Turns each kernel's momentum into an orthogonal step; Adam for the rest (Jordan, 2024)."
    weight_decay: float = _weight_decay(0.004)  # Keras refuses None here; Adam is AdamW without it
    momentum: float = _memory("Momentum", 0.95, "How much of the last step is kept.")
    nesterov: bool = option(True, title="Nesterov", help="Takes the gradient a little ahead.")
    ns_steps: int = option(
        5, title="Newton-Schulz steps", help="Rounds of making the step orthogonal.", ge=1, le=50, advanced=True
    )
    rms_rate: float = option(
        0.2, title="RMS rate", help="Size that a step is brought to, so that Adam's rates fit.", gt=0, advanced=True
    )
    adam_lr_ratio: float = option(
        1.0, title="Adam rate ratio", help="The rate of biases and other vectors against the kernels'.", gt=0,
        advanced=True,
    )  # fmt: skip
    adam_beta_1: float = _memory("Adam beta 1", 0.9, "Memory of the mean, where Adam is used.", advanced=True)
    adam_beta_2: float = _memory("Adam beta 2", 0.999, "Memory of the size, where Adam is used.", advanced=True)
    adam_weight_decay: float = option(
        0.004, title="Adam weight decay", help="Weight decay where Adam is used.", ge=0, advanced=True
    )
    epsilon: float = _epsilon()


AnyOptimizer = Annotated[
    SGD | Adagrad | Adadelta | RMSprop | Adam | AdamW | Adamax | Nadam | Lion | Muon, Discriminator("kind")
]
OPTIMIZER_KINDS: dict[str, type[Optimizer]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnyOptimizer)[0])
}
"""Kind in the file → class, in the order of the menu."""
