"""The live plots: what a run has told so far, and the cards that draw it."""
