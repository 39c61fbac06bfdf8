"""The tab Accuracy: confusion matrix and per-class figures."""
