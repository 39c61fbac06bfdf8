"""Names of figures in files and tables, apart from their computation: the window shows them before numpy is there."""

from __future__ import annotations

MAE, RMSE, R2 = "mean_absolute_error", "root_mean_squared_error", "r2_score"
BALANCED, BASELINE = "balanced_accuracy", "majority_baseline"
RECALL = "recall:"
"""Before a class's name: "recall:cat" is the share of cats that were told to be cats."""
