"""The built-in data sets, chosen by name."""

from typing import Literal

from dnnstudio.core.experiment.data.sources.base import Source

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DIGIT_CLASSES = tuple("0123456789")


class Digits(Source):
    kind: Literal["digits"] = "digits"
    label = "Digits"
    in_plain_keras = True
    help = "1,797 handwritten digits of 8 × 8 pixels that come with scikit-learn: real, small, always there."
    shape = (8, 8)
    class_names = DIGIT_CLASSES
    rows = (1437, 360)


class FashionMNIST(Source):
    kind: Literal["fashion_mnist"] = "fashion_mnist"
    label = "Fashion-MNIST"
    in_plain_keras = True
    downloadable = True
    help = "70,000 grey pictures of clothes, 28 × 28 pixels, ten classes (Xiao et al., 2017)."
    shape = (28, 28)
    class_names = FASHION_CLASSES
    rows = (60_000, 10_000)


class MNIST(Source):
    kind: Literal["mnist"] = "mnist"
    label = "MNIST"
    in_plain_keras = True
    downloadable = True
    help = "70,000 handwritten digits, 28 × 28 pixels (LeCun et al., 1998)."
    shape = (28, 28)
    class_names = DIGIT_CLASSES
    rows = (60_000, 10_000)
