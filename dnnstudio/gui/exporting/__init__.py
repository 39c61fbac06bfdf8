"""The dialog "Export": a trained network for another program, and what was proven of the file."""
