"""Names and directions of metrics, apart, since tables of runs need them without NumPy."""

from typing import Literal

Better = Literal["higher", "lower"]
"""Which values of a metric are better."""

LOSSES = ("loss", "data_loss", "regularization_loss")
"""The metrics that every run has: the loss and its parts."""
