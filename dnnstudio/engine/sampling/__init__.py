"""Monte Carlo dropout: many stochastic passes over the same rows."""
