"""Kernels beside the components that they replace: a file for each kind of these."""
