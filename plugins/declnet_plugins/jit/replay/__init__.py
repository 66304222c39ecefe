"""Recording of the NumPy calls of components, and their replay by compiled code.

A component without a kernel is recorded once on copies of its arrays, and its NumPy calls are
repeated through NumPy's own inner loops, with the same bits, or fused into loops of their own. If
any bit of the repeated calls differs on one of several fillings of the arrays, Python makes the
call.
"""
