"""Where the rows come from, which classes are kept, how they are split and scaled."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Discriminator

from dnnstudio.core.options import Option, option

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


class Source(Option):
    """Where the rows come from. `shape` and `class_names` are known before reading for the built-in sets."""

    shape: ClassVar[tuple[int, ...] | None] = None
    class_names: ClassVar[tuple[str, ...]] = ()
    rows: ClassVar[tuple[int, int] | None] = None
    """Training rows (validation still among them) and test rows, where known."""


class Digits(Source):
    kind: Literal["digits"] = "digits"
    label = "Digits"
    help = "1,797 handwritten digits of 8 × 8 pixels that come with scikit-learn: real, small, always there."
    shape = (8, 8)
    class_names = DIGIT_CLASSES
    rows = (1437, 360)


class FashionMNIST(Source):
    kind: Literal["fashion_mnist"] = "fashion_mnist"
    label = "Fashion-MNIST"
    help = "70,000 grey pictures of clothes, 28 × 28 pixels, ten classes (Xiao et al., 2017)."
    shape = (28, 28)
    class_names = FASHION_CLASSES
    rows = (60_000, 10_000)


class MNIST(Source):
    kind: Literal["mnist"] = "mnist"
    label = "MNIST"
    help = "70,000 handwritten digits, 28 × 28 pixels (LeCun et al., 1998)."
    shape = (28, 28)
    class_names = DIGIT_CLASSES
    rows = (60_000, 10_000)


class Idx(Source):
    kind: Literal["idx"] = "idx"
    label = "IDX files"
    help = "Four files in the format of MNIST, plain or .gz."
    train_images: str = option(
        title="Training images", help="The IDX file of images to train on.", initial="", widget="file"
    )
    train_labels: str = option(title="Training labels", help="The IDX file of their labels.", initial="", widget="file")
    test_images: str | None = option(
        None,
        title="Test images",
        help="Left out, a fifth of the training rows is kept for the test.",
        widget="file",
    )
    test_labels: str | None = option(None, title="Test labels", help="The labels of the test images.", widget="file")


class Npz(Source):
    kind: Literal["npz"] = "npz"
    label = "NPZ file"
    help = "NumPy arrays in one file: x_train, y_train and, if there are any, x_test, y_test."
    path: str = option(title="File", help="The .npz file.", initial="", widget="file")


class Csv(Source):
    kind: Literal["csv"] = "csv"
    label = "CSV table"
    help = "A table with a row an example and one column of labels."
    path: str = option(title="File", help="The .csv file; the first line names the columns.", initial="", widget="file")
    label_column: str = option("", title="Label column", help="The column to predict; empty means the last.")
    target: Literal["classes", "number"] = option(
        "classes", title="Predict", help="Classes to tell apart, or a number to estimate."
    )
    empty_cells: Literal["refuse", "drop_rows", "median"] = option(
        "refuse",
        title="Empty cells",
        help="Refuse them, leave their rows out, or fill in the median of the column's training rows.",
        advanced=True,
    )


class ImageFolder(Source):
    kind: Literal["image_folder"] = "image_folder"
    label = "Folder of images"
    help = "A folder with a folder of pictures for each class."
    path: str = option(title="Folder", help="The folder that holds a folder a class.", initial="", widget="folder")
    height: int = option(28, title="Height", help="Pictures are scaled to this height.", ge=1, le=512, unit="pixels")
    width: int = option(28, title="Width", help="Pictures are scaled to this width.", ge=1, le=512, unit="pixels")
    color: bool = option(False, title="Colour", help="Keep three colour channels instead of grey.")


AnySource = Annotated[Digits | FashionMNIST | MNIST | Idx | Npz | Csv | ImageFolder, Discriminator("kind")]
SOURCE_KINDS: dict[str, type[Source]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnySource)[0])
}


class Classes(Option):
    """Which labels take part. `keep` renumbers them 0…n−1 in the given order; `positive` makes a two-class task."""

    keep: tuple[int, ...] | None = option(
        None,
        title="Keep",
        help="The labels that take part, renumbered in this order; empty means all.",
        min_length=2,
    )
    positive: int | None = option(
        None, title="Positive", help="This label becomes 1 and every other kept label 0.", ge=0
    )


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

Scaling = Literal["none", "unit", "standardize"]


class Data(Option):
    """The rows, the task and the split."""

    source: AnySource = option(Digits(), title="Source", help="Where the rows come from.")
    classes: Classes = option(Classes(), title="Classes", help="Which labels take part.")
    train_limit: int | None = option(
        None,
        title="Training rows",
        initial=1000,
        help="Keep only the first so many training rows after the split.",
        ge=1,
    )
    validation: AnyValidation = option(
        Fraction(fraction=0.2), title="Validation", help="The rows that judge the network while it trains."
    )
    scaling: Scaling = option(
        "unit",
        title="Scaling",
        help="As stored, brought to 0…1, or standardized by the training rows' mean and spread.",
    )


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What is known of the data after it was read (or, for a built-in set, before).

    `counts` holds train, validation and test rows; `class_counts` the training rows of each class, in order.
    `classes` is 0 when a number is predicted, 2 for a binary task.
    """

    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    binary: bool
    counts: tuple[int, int, int] | None = None
    class_counts: tuple[int, ...] = ()
    origin: str = ""
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    """What a person should know of the data: files left out, columns without variation."""

    @property
    def classes(self) -> int:
        return len(self.class_names)

    @property
    def outputs(self) -> int:
        """Units that the last layer needs: one for a binary task or a number, else one a class."""
        return 1 if self.binary or not self.class_names else self.classes


def task_class_names(classes: Classes, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the task's classes after filtering and renumbering: ("not Shirt", "Shirt") for a binary task."""
    kept = tuple(range(len(names))) if classes.keep is None else classes.keep
    if classes.positive is None:
        return tuple(_name(names, label) for label in kept)
    others = [label for label in kept if label != classes.positive]
    positive = _name(names, classes.positive)
    return (_name(names, others[0]) if len(others) == 1 else f"not {positive}", positive)


def _name(names: tuple[str, ...], label: int) -> str:
    return names[label] if 0 <= label < len(names) else str(label)


def known_summary(data: Data) -> DataSummary | None:
    """What can be said of the data without reading it; None for files."""
    if data.source.shape is None:
        return None
    return DataSummary(
        input_shape=data.source.shape,
        class_names=task_class_names(data.classes, data.source.class_names),
        binary=data.classes.positive is not None,
    )
