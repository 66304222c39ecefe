"""Sweeps: every one of some specs trained with every one of some seeds, and what came of it."""
