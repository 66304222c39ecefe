"""The scaled exponential linear unit."""

import numpy as np

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace

SCALE = 1.0507009873554804934193349852946
ALPHA = 1.6732632423543772848170429916717


class SELU(Layer):
    """y = SCALE * x where x > 0, SCALE * ALPHA * (exp(x) - 1) elsewhere.

    SCALE = 1.0507… and ALPHA = 1.6732… make mean 0 and variance 1 a fixed point from layer to
    layer, if weights start with variance 1 / inputs. dy/dx = SCALE where y > 0, y + SCALE * ALPHA
    elsewhere. x, y: (n, *shape). The same as PyTorch's `SELU` and Keras's `selu`.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017, arXiv:1706.02515.
    """

    type = "selu"
    backward_needs = frozenset({"y"})
    in_place = True
    memory_order = "any"
    output_range = OutputRange(low=-SCALE * ALPHA)

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the slope dy/dx, also used by forward, and for its step at 0."""
        return {"slope": Workspace(input_shape), "step": Workspace(input_shape)}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = SCALE * max(x, 0) + SCALE * ALPHA * (exp(min(x, 0)) - 1)."""
        negative = state.slope
        np.minimum(x, 0, out=negative)
        np.expm1(negative, out=negative)
        np.multiply(negative, SCALE * ALPHA, out=negative)
        np.maximum(x, 0, out=y)
        np.multiply(y, SCALE, out=y)
        np.add(y, negative, out=y)

    def backward(self, x: None, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy * (min(y, 0) + SCALE * ALPHA + (SCALE - SCALE * ALPHA where y > 0))."""
        if dx is None:
            return
        slope, step = state.slope, state.step
        np.greater(y, 0, out=step)
        np.multiply(step, SCALE - SCALE * ALPHA, out=step)
        np.minimum(y, 0, out=slope)
        np.add(slope, SCALE * ALPHA, out=slope)
        np.add(slope, step, out=slope)
        np.multiply(dy, slope, out=dx)
