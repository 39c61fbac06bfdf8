"""Model files: written atomically, and read by transcription, never by Keras's own loader.

Imports neither Keras nor TensorFlow; a model is only used through its own methods. Names are imported on first use,
because the child process starts here too and needs only a few of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dnnstudio.engine.model_files.contents import Difference, ModelContents, WeightsMismatchError
    from dnnstudio.engine.model_files.reading import read_model, read_weights
    from dnnstudio.engine.model_files.writing import put_weights, save_model

__all__ = [
    "Difference",
    "ModelContents",
    "WeightsMismatchError",
    "put_weights",
    "read_model",
    "read_weights",
    "save_model",
]

_HOMES = {
    "Difference": "contents",
    "ModelContents": "contents",
    "WeightsMismatchError": "contents",
    "put_weights": "writing",
    "read_model": "reading",
    "read_weights": "reading",
    "save_model": "writing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
