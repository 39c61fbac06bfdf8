"""Analyses of experiments and trainings: checks, layer health, divergence, learning-rate range test."""
