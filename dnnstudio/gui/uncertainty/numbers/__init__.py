"""The inspector of a network that predicts a number: answers, errors, and intervals in the target's own unit."""
