"""The compiled path: many training steps in one function compiled by XLA, with the weights passed through it as
tensors.

`steps.CompiledSteps` is mathematically equivalent to the eager loop; `reasons.why_not` says where it is not
possible, in a sentence. Random numbers are drawn outside the compiled function: XLA's own are about 30 times slower
on a CPU.
"""
