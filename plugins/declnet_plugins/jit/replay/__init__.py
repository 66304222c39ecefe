"""Recording of the NumPy calls of components, and their replay by compiled code.

A component without a kernel is recorded once on copies of its arrays. Its NumPy calls are fused
into loops, except those that only NumPy's own inner loops compute, to the bit where evaluations
need it. If any bit of the repeated calls differs from the component's on one of several fillings of
the arrays, Python makes the call.
"""
