"""Keras and TensorFlow: their first import, the model builder, objectives, schedules, custom layers."""
