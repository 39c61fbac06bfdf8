"""Training: stages, the step loop, monitors, checkpoints, run folders, evaluation."""
