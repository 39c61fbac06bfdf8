"""The window that opens a person's own data: what was found in it, what follows, and one button to use it."""
