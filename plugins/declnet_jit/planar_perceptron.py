"""A network of one hidden layer over points of the plane, in one pass a direction."""

from collections.abc import Callable, Sequence

from declnet import Array, LayerKernel, LayerState, Shape
from declnet_jit.arrays import FLOATS, batch_last
from declnet_jit.needs_numba import NeedsNumba
from declnet_jit.planar_routines import planar_backward, planar_forward
from declnet_layers import Dense, ReLU

MOST_OUTPUTS = 3

Calls = tuple[Callable[[], object], ...]


class PlanarPerceptronKernel(NeedsNumba, LayerKernel):
    """y = max(x @ weights + biases, 0) @ output weights + output biases, for two inputs.

    Hidden values never reach memory: with so few inputs, computing them again on the way back is
    cheaper than reading them. For up to three outputs.

    Sums run in another order than NumPy's: a relative difference of about 1e-6 in float32.
    """

    type = "planar_perceptron_jit"
    examples = (
        {
            "layer": {"type": "dense", "units": 5},
            "activation": {},
            "output": {"type": "dense", "units": 3},
        },
        {
            "layer": {"type": "dense", "units": 8},
            "activation": {},
            "output": {"type": "dense", "units": 2},
        },
        {
            "layer": {"type": "dense", "units": 1},
            "activation": {},
            "output": {"type": "dense", "units": 1},
        },
    )
    example_shapes = ((2,),)

    layer: Dense
    activation: ReLU
    output: Dense

    def suits(self, shapes: Sequence[Shape], input_gradient: bool) -> bool:
        """Points of two coordinates that are the model's input, and few outputs."""
        return shapes[0] == (2,) and shapes[-1][0] <= MOST_OUTPUTS and not input_gradient

    def bind_forward(self, x: Array, y: Array, states: Sequence[LayerState]) -> Calls | None:
        """Fills y, (n, outputs)."""
        hidden, output = states[0], states[2]
        if hidden.weights.dtype not in FLOATS or not batch_last(x, y):
            return None
        parameters = hidden.weights, hidden.biases, output.weights, output.biases
        return (planar_forward.bound(x.T, *parameters, y.T),)

    def bind_backward(
        self,
        x: Array | None,
        y: Array | None,
        dy: Array,
        dx: Array | None,
        states: Sequence[LayerState],
    ) -> Calls | None:
        """Fills the gradients of both layers."""
        hidden, output = states[0], states[2]
        if x is None or dx is not None or not batch_last(x, dy):
            return None
        parameters = hidden.weights, hidden.biases, output.weights
        gradients = hidden.grad.weights, hidden.grad.biases, output.grad.weights, output.grad.biases
        return (planar_backward.bound(x.T, *parameters, dy.T, *gradients),)
