"""TensorFlow's SavedModel, written by Keras's export archive and run by `tf.saved_model.load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.exporting.network import OUTPUT, ExportedNetwork, Runner, can_prepare
from dnnstudio.engine.exporting.serving import answering, signature

ENDPOINT = "serve"


def save_saved_model(network: ExportedNetwork, path: Path) -> ExportedNetwork:
    """Write the folder `path`, with the preparation of the rows as far as it can; what was written.

    Raises `UserError` and `OSError`.
    """
    if network.carries_preparation and not can_prepare(network):
        network = network.without_preparation()
    write_archive(network, path)
    return network


def write_archive(network: ExportedNetwork, path: Path) -> None:
    """Write the folder `path` of the network as it is. Raises `OSError`."""
    archive = keras.export.ExportArchive()
    for member in network.members:
        archive.track(member.model)
    archive.add_endpoint(ENDPOINT, answering(network), input_signature=[signature(network)])
    archive.write_out(str(path), verbose=False)


def open_saved_model(path: Path) -> tuple[str, Runner]:
    """TensorFlow's name and version, and what runs the folder: rows [n, *shape] → answers [n, units]."""
    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(rows: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(serve(tf.constant(rows))[OUTPUT], np.float32)

    return f"TensorFlow {tf.__version__}", run
