"""Mean and standard deviation of a metric over runs, for lists that are shown without NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

SCALE = 2.0**-64
"""What numbers are multiplied by whose sums or squares are beyond floats."""


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean and the sample standard deviation (n - 1); NaN if a value is not finite.

    Args:
        values: at least one value; of a single one, the deviation is None.
    """
    if not all(map(math.isfinite, values)):
        return math.nan, math.nan
    try:
        return fmean(values), stdev(values) if len(values) > 1 else None
    except OverflowError:  # a deviation may be infinite, a mean is not
        scaled = [value * SCALE for value in values]
        return fmean(scaled) / SCALE, stdev(scaled) / SCALE if len(values) > 1 else None
