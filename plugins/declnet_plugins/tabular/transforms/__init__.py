"""Transforms of columns of tables."""
