"""The window: Qt only. TensorFlow is never imported here, and the engine only inside the engine thread."""
