"""IDX files, the format of MNIST: one file of images and one of labels, for training and optionally for testing."""

from typing import Literal

from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.fields import option


class Idx(Source):
    kind: Literal["idx"] = "idx"
    label = "IDX files"
    in_plain_keras = True
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

    @property
    def main_path(self) -> str:
        return self.train_images
