"""The window that asks a network about new cases, and what is done with its answers."""
