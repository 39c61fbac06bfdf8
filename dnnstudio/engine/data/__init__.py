"""Data sets: found, downloaded, read, checked, split and scaled, without TensorFlow.

`load_dataset` returns the arrays for training, `describe` what the window shows of them; `find` and `download` handle
the data sets that are not bundled. Readers refuse files that they cannot read completely: every problem is a
`UserError` that names the file and the location. Nothing here imports TensorFlow, Keras or Qt.
"""

from __future__ import annotations

from dnnstudio.engine.data.builtin import find
from dnnstudio.engine.data.dataset import Dataset, Split, StoredPart
from dnnstudio.engine.data.fetch import download
from dnnstudio.engine.data.loading import describe, forget, load_dataset, load_part
from dnnstudio.engine.data.scaling import Scaler
from dnnstudio.engine.data.sources import must_be_downloaded

__all__ = [
    "Dataset",
    "Scaler",
    "Split",
    "StoredPart",
    "describe",
    "download",
    "find",
    "forget",
    "load_dataset",
    "load_part",
    "must_be_downloaded",
]
