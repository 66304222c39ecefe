"""From a model to an executable graph: wiring, shapes, memory, calls."""
