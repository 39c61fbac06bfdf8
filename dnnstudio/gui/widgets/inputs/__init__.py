"""Fields, numbers and choices."""
