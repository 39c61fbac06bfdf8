"""The fast way to train: many steps in one function compiled by XLA, weights carried through it as plain tensors.

`steps.FastSteps` does what the plain loop does, with the same mathematics; `reasons.why_not` says in a sentence where
it cannot. Random numbers are drawn outside the compiled function: XLA's own are about 30 times slower on a CPU.
"""
