"""The format `numpy`: one Python file that needs NumPy alone."""

from declnet import lazy_names

__getattr__ = lazy_names(__name__, {"NumpyFile": "exporter", "NumpyWriter": "writer"})
