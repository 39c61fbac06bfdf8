"""The experiment: typed, frozen records, their file format, and edits as pure functions from one to another."""
