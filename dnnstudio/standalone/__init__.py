"""Self-contained code: the engine runs it, and exported scripts quote its source text.

Modules here import only Keras and NumPy and nothing of this program, so that a function or class works unchanged in any
notebook. `core.export` reads the text (`importlib.resources`, so also from a zip file) and never imports these modules,
because it must not load Keras.
"""
