"""Runs: executes a spec, writes its events down, and reads a run's folder again."""
