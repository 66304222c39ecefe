"""Inspection of a network, its training and installed plugins, without recording a run."""
