"""Whole processes, timed from outside: imports, and trainings from a cold start."""
