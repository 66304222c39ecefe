"""The leaky ReLU."""

import numpy as np
from pydantic import Field

from declnet import Array, Elementwise, OutputRange


class LeakyReLU(Elementwise):
    """y = x where x > 0, negative_slope * x elsewhere, so that no unit dies.

    x, y: (n, *shape). At 0 the gradient is `negative_slope`. PyTorch's `LeakyReLU` is the same, but
    takes any slope; Keras's starts from a `negative_slope` of 0.3.

    Source: Maas, Hannun, Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models",
    ICML 2013.
    """

    type = "leaky_relu"
    examples = ({}, {"negative_slope": 0.2})
    backward_needs = frozenset({"y"})
    in_place = True
    output_range = OutputRange()

    negative_slope: float = Field(default=0.01, ge=0, le=1, description="slope where x <= 0")

    def value(self, x: Array, y: Array, scratch: Array) -> None:
        """y = max(x, negative_slope * x), for a slope of at most 1."""
        np.multiply(x, self.negative_slope, out=scratch)
        np.maximum(x, scratch, out=y)

    def derivative(self, x: None, y: Array, slope: Array) -> None:
        """Slope = max(1 where y > 0, negative_slope); y has the sign of x."""
        np.greater(y, 0, out=slope)
        np.maximum(slope, self.negative_slope, out=slope)
