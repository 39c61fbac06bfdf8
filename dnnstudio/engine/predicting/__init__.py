"""Answers to new cases: files read as the run read its own, prepared alike, and answered block by block.

Nothing grows with the number of inputs: files are opened one after another, and at most a block of rows is held.
"""
