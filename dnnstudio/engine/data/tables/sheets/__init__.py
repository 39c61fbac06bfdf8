"""Sheets of Excel and ODS: whether a file may be given to its reader, and its cells as texts."""
