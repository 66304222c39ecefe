"""The contracts of what accompanies a run: callbacks, observers, analyses and the like."""
