"""The first import of Keras: backend, log level and threads are set before."""

from __future__ import annotations

import os

from dnnstudio.core.temporary import named_temporary_folder
from dnnstudio.core.threads import given_threads, threads
from dnnstudio.engine.backend.xla_flags import with_own_flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["XLA_FLAGS"] = with_own_flags(os.environ.get("XLA_FLAGS", ""))

with named_temporary_folder():
    import keras
    import tensorflow as tf

# Every training, and every phase of one, traces its own functions, which TensorFlow takes for a retracing mistake.
tf.get_logger().setLevel("ERROR")

THREADS = threads()
"""Number of threads TensorFlow uses in this process; later changes of the environment have no effect."""
if given_threads() is not None:
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)

__all__ = ["THREADS", "keras", "tf"]
