"""Modules that print what the commands found: tables, figures, progress."""
