"""TensorBoard event files of a run: the figures of each epoch, as Keras's `TensorBoard` callback writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.history import Row
from dnnstudio.engine.backend.runtime import tf

FOLDER = "tensorboard"
TRAIN, VALIDATION = "train", "validation"
_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")  # tf.summary.scalar needs TensorBoard
)
_LEFT_OUT = ("epoch", "seconds")


class EventFiles:
    """Writers in `tensorboard/train` and `tensorboard/validation` below a run folder, made with the first epoch.

    The tags are those of the callback: `epoch_loss`, `epoch_learning_rate`. Steps are its epochs, counted from 0.
    """

    def __init__(self, run: Path) -> None:
        self._folder = run / FOLDER
        self._writers: dict[str, Any] = {}

    def add(self, row: Row) -> None:
        """Write the figures of an epoch to disk. Raises `UserError`."""
        step = int(row["epoch"]) - 1
        try:
            for name, value in row.items():
                if name in _LEFT_OUT:
                    continue
                part = VALIDATION if name.startswith("val_") else TRAIN
                with self._writer(part).as_default(step=step):
                    tf.summary.write(f"epoch_{name.removeprefix('val_')}", np.float32(value), metadata=_SCALAR)
            for writer in self._writers.values():
                writer.flush()
        except (OSError, tf.errors.OpError) as error:
            raise UserError(
                f"{self._folder} cannot be written: {str(error).splitlines()[0]}.",
                "Make room, or switch training.tensorboard off.",
            ) from None

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            self._writers[part] = tf.summary.create_file_writer(str(self._folder / part))
        return self._writers[part]
