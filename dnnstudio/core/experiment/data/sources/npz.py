"""NumPy arrays in one .npz file."""

from typing import Any, Literal

from dnnstudio.core.experiment.data.sources.base import Source
from dnnstudio.core.experiment.fields import option


def _array(title: str, usual: str) -> Any:
    help = "The array of that name in the file; empty means found out by names and shapes."
    return option(None, title=title, help=help, initial=usual, min_length=1, advanced=True)


class Npz(Source):
    kind: Literal["npz"] = "npz"
    label = "NPZ file"
    help = "NumPy arrays in one file: x_train, y_train and, if there are any, x_test, y_test; or by other names."
    path: str = option(title="File", help="The .npz file.", initial="", widget="file")
    x_train: str | None = _array("Training rows", "x_train")
    y_train: str | None = _array("Training labels", "y_train")
    x_validation: str | None = _array("Validation rows", "x_validation")
    y_validation: str | None = _array("Validation labels", "y_validation")
    x_test: str | None = _array("Test rows", "x_test")
    y_test: str | None = _array("Test labels", "y_test")
