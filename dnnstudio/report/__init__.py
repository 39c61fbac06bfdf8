"""The report: one page on a run, a repeat or a sweep, from its folder's files and what was measured of its answers.

Imports neither Keras nor Qt, so that the window shows it while it is written.
"""
