"""Layer reuse in the window: the transfer dialog, splitting data into two tasks, and the origin of each layer's
weights.
"""
