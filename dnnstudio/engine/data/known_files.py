"""The files of the built-in data sets, and the folder for downloaded ones."""

from __future__ import annotations

from pathlib import Path

import platformdirs

FOLDERS: dict[str, str] = {"fashion_mnist": "fashion-mnist", "mnist": "mnist"}
TITLES: dict[str, str] = {"fashion_mnist": "Fashion-MNIST", "mnist": "MNIST"}
STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def own_folder(kind: str) -> Path:
    """The folder for downloaded data sets."""
    return Path(platformdirs.user_cache_dir("dnnstudio", appauthor=False)) / FOLDERS[kind]
