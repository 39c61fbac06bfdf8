"""Trainings in child processes, behind `concurrent.futures.Executor`: the only place that starts such processes.

At module level only the standard library, psutil and `core` are imported; the engine is imported only in the child.
"""
