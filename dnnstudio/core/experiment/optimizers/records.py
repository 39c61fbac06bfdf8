"""The optimizers with Keras's names and defaults (https://keras.io/api/optimizers)."""

from typing import Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.optimizers.base import (
    Optimizer,
    beta_1_field,
    beta_2_field,
    epsilon_field,
    memory_field,
    rate_field,
    weight_decay_field,
)


class SGD(Optimizer):
    kind: Literal["sgd"] = "sgd"
    label = "SGD"
    keras_class = "SGD"
    highest_rate = 1.0
    keeps_zero = True
    help = "Steps down the gradient; with momentum it gathers speed like a ball rolling downhill (Polyak, 1964)."
    learning_rate: float = rate_field(0.01)
    momentum: float = memory_field("Momentum", 0.0, "How much of the last step is kept: 0.9 is usual, 0 is plain SGD.")
    nesterov: bool = option(
        False, title="Nesterov", help="Takes the gradient a little ahead, where momentum leads (Nesterov, 1983)."
    )

    cycle_factor = 5.0

    @property
    def usual_range(self) -> tuple[float, float | None]:
        """Its rates follow the gradient's size, which differs between tasks: up to where training breaks off."""
        return super().usual_range[0], self.highest_rate

    def slots(self) -> int:
        return int(self.momentum > 0)


class Adagrad(Optimizer):
    kind: Literal["adagrad"] = "adagrad"
    label = "AdaGrad"
    keras_class = "Adagrad"
    highest_rate = None
    keeps_zero = True
    help = "Shortens steps along steep directions for ever; stops too early for deep networks (Duchi et al., 2011)."
    initial_accumulator_value: float = option(
        0.1, title="Initial accumulator", help="What the sum of squared gradients starts from.", ge=0, advanced=True
    )
    epsilon: float = epsilon_field()

    def slots(self) -> int:
        return 1


class Adadelta(Optimizer):
    kind: Literal["adadelta"] = "adadelta"
    label = "Adadelta"
    keras_class = "Adadelta"
    highest_rate = None
    keeps_zero = True
    help = "AdaGrad that forgets, with steps measured by earlier steps (Zeiler, 2012)."
    rho: float = memory_field("Rho", 0.95, "How much of the squared gradients is remembered.")
    epsilon: float = epsilon_field()

    def slots(self) -> int:
        return 2


class RMSprop(Optimizer):
    kind: Literal["rmsprop"] = "rmsprop"
    label = "RMSProp"
    keras_class = "RMSprop"
    highest_rate = 0.1
    keeps_zero = True
    help = "AdaGrad that remembers only recent gradients (Tieleman and Hinton, 2012)."
    rho: float = memory_field("Rho", 0.9, "How much of the squared gradients is remembered.")
    momentum: float = memory_field("Momentum", 0.0, "How much of the last step is kept.")
    epsilon: float = epsilon_field()
    centered: bool = option(
        False, title="Centred", help="Divides by the gradient's spread instead of its size.", advanced=True
    )

    def slots(self) -> int:
        return 1 + (self.momentum > 0) + self.centered


class Adam(Optimizer):
    kind: Literal["adam"] = "adam"
    label = "Adam"
    keras_class = "Adam"
    highest_rate = 0.1
    keeps_zero = True
    help = "Momentum, and a rate of its own for each weight (Kingma and Ba, 2014)."
    beta_1: float = beta_1_field()
    beta_2: float = beta_2_field()
    epsilon: float = epsilon_field()
    amsgrad: bool = option(
        False, title="AMSGrad", help="Never lets a weight's own rate grow again (Reddi et al., 2018).", advanced=True
    )

    def slots(self) -> int:
        return 2 + self.amsgrad


class AdamW(Optimizer):
    kind: Literal["adamw"] = "adamw"
    label = "AdamW"
    keras_class = "AdamW"
    highest_rate = 0.1
    keeps_zero = True
    help = "Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2017)."
    weight_decay: float = weight_decay_field(0.004)  # Keras refuses None here; Adam is AdamW without it
    beta_1: float = beta_1_field()
    beta_2: float = beta_2_field()
    epsilon: float = epsilon_field()
    amsgrad: bool = option(
        False, title="AMSGrad", help="Never lets a weight's own rate grow again (Reddi et al., 2018).", advanced=True
    )

    def slots(self) -> int:
        return 2 + self.amsgrad


class Adamax(Optimizer):
    kind: Literal["adamax"] = "adamax"
    label = "Adamax"
    keras_class = "Adamax"
    highest_rate = 0.1
    keeps_zero = True
    help = "Adam that scales by the largest recent gradient: steadier on some tasks (Kingma and Ba, 2014)."
    beta_1: float = beta_1_field()
    beta_2: float = beta_2_field()
    epsilon: float = epsilon_field()

    def slots(self) -> int:
        return 2


class Nadam(Optimizer):
    kind: Literal["nadam"] = "nadam"
    label = "Nadam"
    keras_class = "Nadam"
    highest_rate = 0.1
    keeps_zero = True
    help = "Adam with Nesterov's look ahead: often a little faster (Dozat, 2016)."
    beta_1: float = beta_1_field()
    beta_2: float = beta_2_field()
    epsilon: float = epsilon_field()

    def slots(self) -> int:
        return 2


class Lion(Optimizer):
    kind: Literal["lion"] = "lion"
    label = "Lion"
    keras_class = "Lion"
    highest_rate = 0.1
    keeps_zero = True
    help = (
        "Steps of one size, only their sign from the gradient; wants a 3 to 10 times smaller rate (Chen et al., 2023)."
    )
    beta_1: float = beta_1_field()
    beta_2: float = beta_2_field(0.99)

    def slots(self) -> int:
        return 1


class Muon(Optimizer):
    kind: Literal["muon"] = "muon"
    label = "Muon"
    keras_class = "Muon"
    highest_rate = 0.1
    keeps_zero = False  # it mixes the columns of a gradient
    help = "Turns each kernel's momentum into an orthogonal step; Adam for the rest (Jordan, 2024)."
    weight_decay: float = weight_decay_field(0.004)  # Keras refuses None here; Adam is AdamW without it
    momentum: float = memory_field("Momentum", 0.95, "How much of the last step is kept.")
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
    adam_beta_1: float = memory_field("Adam beta 1", 0.9, "Memory of the mean, where Adam is used.", advanced=True)
    adam_beta_2: float = memory_field("Adam beta 2", 0.999, "Memory of the size, where Adam is used.", advanced=True)
    adam_weight_decay: float = option(
        0.004, title="Adam weight decay", help="Weight decay where Adam is used.", ge=0, advanced=True
    )
    epsilon: float = epsilon_field()

    def slots(self) -> int:
        return 1  # of a kernel; vectors, which are small beside it, go by Adam and have two
