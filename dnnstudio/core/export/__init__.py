"""Export of an experiment as a Python script or notebook of plain Keras, in the style of Géron's chapter 11.

The code is generated from the experiment's fields, so a new option appears in the script without a change here. The
script needs this program only to read CSV tables, NPZ files and image folders; layers that Keras lacks are written into
it.

Nothing is imported here: the command line reads the table of formats at every start, and the writers import the
experiment with all its checks.
"""
