"""The tab Shift: the effect of distribution shift."""
