"""State charts: what they are made of, whether they can work, and what an event leads to.

`specs` is what authors write. `compiling` makes a `Chart` of it and `checks` finds its
faults. `selecting` and `moving` follow the rules of the W3C's SCXML. `playing` is the body
of the workflow that a machine is.
"""
