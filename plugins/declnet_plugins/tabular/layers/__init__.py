"""Layers for tables."""
