"""What an experiment is, in plain Python: no Qt and no TensorFlow may be imported from here."""
