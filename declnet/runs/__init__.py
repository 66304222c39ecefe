"""Runs: executing a spec, recording its events and reading a run's folder."""
