"""The one place where Keras is first imported: the backend and the log level are fixed before it is."""

from __future__ import annotations

import os

from dnnstudio.engine.xla_flags import with_own_flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["XLA_FLAGS"] = with_own_flags(os.environ.get("XLA_FLAGS", ""))

import keras
import tensorflow as tf

# Every training, and every phase of one, traces functions of its own; TensorFlow warns of that as if it were a mistake.
tf.get_logger().setLevel("ERROR")

__all__ = ["keras", "tf"]
