"""Readers of array files: NPZ and IDX."""
