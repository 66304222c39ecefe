"""Models in C99, for any processor: the exporter, and a file for each family of components."""

from declnet import lazy_names

__getattr__ = lazy_names(__name__, {"CWriter": "writer", "Value": "writer"})
