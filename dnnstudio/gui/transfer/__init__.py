"""Reusing trained layers in the window: the dialog, splitting data into two tasks, and whose weights a layer has."""
