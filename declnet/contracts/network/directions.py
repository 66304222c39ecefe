"""Names and directions of metrics, apart, since tables of runs need them without NumPy."""

from typing import Literal

Direction = Literal["higher", "lower"]
"""Whether higher or lower values are better."""

Better = Direction | float
"""Which values of a metric are better: higher ones, lower ones, or those closer to a number."""

LOSSES = ("loss", "data_loss", "regularization_loss")
"""The metrics that every run has: the loss and its parts."""


def as_loss(value: float, better: Better) -> float:
    """Return a number that is lower for a better value of a metric; NaN for NaN.

    Args:
        value: the value.
        better: which values are better, as in `Metric.better`.
    """
    if better == "lower":
        return value
    return -value if better == "higher" else abs(value - better)
