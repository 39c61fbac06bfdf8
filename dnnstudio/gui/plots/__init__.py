"""The live plots: the recorded curves of a run, and the cards that draw them."""
