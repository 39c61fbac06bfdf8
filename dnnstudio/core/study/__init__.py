"""Studies: plans of several trainings that answer one question, and their combined figures."""
