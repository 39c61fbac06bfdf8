"""The experiment and everything that follows from it, in plain Python: imports neither Qt nor TensorFlow."""
