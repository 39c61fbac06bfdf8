"""The work itself, in Keras and TensorFlow. Importing this package imports neither; its modules do."""
