"""Networks in the formats of other programs: written with their preparation, and proven by the format's own runtime.

Nothing that a format needs is imported before that format is asked for.
"""
