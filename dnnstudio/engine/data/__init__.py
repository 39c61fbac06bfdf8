"""Data: found, downloaded, read, checked, split and scaled, without TensorFlow.

`load_dataset` gives the arrays that training needs, `describe` what the window shows of them, `find` and `download`
deal with the data sets that are not in the package. Readers refuse what they cannot read whole: every problem is a
`UserError` that names the file and the place. Nothing here imports TensorFlow, Keras or Qt.
"""

from __future__ import annotations

from dnnstudio.engine.data.builtin import find
from dnnstudio.engine.data.dataset import Dataset, Split, StoredPart
from dnnstudio.engine.data.fetch import download
from dnnstudio.engine.data.loading import describe, forget, load_dataset, load_part
from dnnstudio.engine.data.scaling import Scaler

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
]
