"""The one place where Keras is first imported: the backend and the log level are fixed before it is."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf

__all__ = ["keras", "tf"]
