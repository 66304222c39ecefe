"""The recording of a component's NumPy code, of which the engine and exporters make other code."""
