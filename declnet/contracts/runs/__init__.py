"""The contracts of components that accompany a run: callbacks, observers, analyses and others."""
