"""Reuse of trained layers: initial weights, shared layers, pretraining, comparisons over seeds."""
