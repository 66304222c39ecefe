"""Inspection of a network and its training, without recording a run."""
