"""A network with one hidden layer on points in the plane, in one pass per direction."""

from collections.abc import Sequence
from typing import Any

from declnet import KernelCalls, KernelSite, Shape
from declnet_jit.arrays import FLOATS, batch_last
from declnet_jit.needs_numba import NumbaKernel
from declnet_jit.planar_routines import planar_backward, planar_forward
from declnet_standard.layers import Dense, ReLU

MOST_OUTPUTS = 3


class PlanarPerceptronKernel(NumbaKernel):
    """y = max(x @ weights + biases, 0) @ output weights + output biases, for two inputs.

    Hidden values are never stored: with so few inputs, recomputing them in the backward pass is
    cheaper than reading them. Supports up to three outputs.

    The summation order differs from NumPy's, a relative difference of about 1e-6 in float32.
    """

    type = "planar_perceptron_jit"
    replaces = (Dense, ReLU, Dense)
    example_shapes = ((2,),)

    def suits(
        self, components: Sequence[Any], shapes: Sequence[Shape], input_gradient: bool
    ) -> bool:
        """Return whether the model's input has two coordinates and there are few outputs."""
        return shapes[0] == (2,) and shapes[-1][0] <= MOST_OUTPUTS and not input_gradient

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, outputs), and the gradients of both layers."""
        x, y, dy, (hidden, _, output) = site.x, site.y, site.dy, site.states
        if hidden.weights.dtype not in FLOATS or not batch_last(x, y, dy):
            return None
        if dy is None or site.dx is not None:
            return None
        parameters = hidden.weights, hidden.biases, output.weights
        forward = planar_forward.bound(x.T, *parameters, output.biases, y.T)
        gradients = hidden.grad.weights, hidden.grad.biases, output.grad.weights, output.grad.biases
        backward = planar_backward.bound(x.T, *parameters, dy.T, *gradients)
        return KernelCalls((forward,), (backward,))
