"""The cards around the plots: curves, learning rate, layer health, divergence, result."""
