"""Recording of the NumPy calls of components, and their replay by compiled code."""
