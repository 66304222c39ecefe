"""Fused loops: recorded calls as few loops over arrays, each compiled once for its pattern.

Neighboring assignments over the same elements become a *nest* (`nests`), its structure a *pattern*
without sizes, strides and numbers (`patterns`), and that LLVM code (`loops`, `lanes`), compiled
without Numba. Results equal NumPy's up to rounding.
"""
