"""The fully connected layer."""

import numpy as np
from pydantic import Field

from declnet import Array, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer
from declnet_plugins.standard.layers.products import matrix_product
from declnet_plugins.standard.layers.window import batch_last


class Dense(AffineLayer):
    """y = x @ weights + biases.

    x: (n, inputs); weights: (inputs, units); biases: (units,); y: (n, units). Backward:
    dweights = x.T @ dy, dbiases = the sum of dy over the batch, dx = dy @ weights.T.
    For sequences x is (n, steps, inputs) and y (n, steps, units): the same weights at each step,
    whose gradients add up.

    The same as the book's (chapters 3 and 9), Keras's Dense and PyTorch's Linear, whose weights are
    (units, inputs).
    """

    type = "dense"
    examples = (
        {"units": 3},
        {"units": 4, "use_bias": False},
        {
            "units": 2,
            "weight_initializer": "he_normal",
            "weight_regularizer": {"type": "l2", "strength": 5e-4},
        },
    )
    other_types = ("Linear", "linear_layer", "fc", "fully_connected", "mlp")
    other_keys = {**other_keys.UNITS, **other_keys.AFFINE}
    backward_needs = frozenset({"x"})
    input_order = "any"  # a matrix product is as fast in either order
    output_range = OutputRange()
    is_linear = True

    units: int = Field(ge=1, description="number of outputs")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (units,) or (steps, units); raise ValueError for images."""
        if len(input_shape) not in (1, 2):
            raise ValueError(
                f"dense takes samples (inputs,) or (steps, inputs), not {input_shape}; put a "
                "flatten before it"
            )
        return (*input_shape[:-1], self.units)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return weights (inputs, units) and biases (units,)."""
        weights = self.weights((input_shape[-1], self.units))
        return {"weights": weights, **self.biases((self.units,))}

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return ones: `ones @ dy` sums over the batch several times as fast as `np.sum`.

        For sequences, return memory for one step's gradient of the weights instead.
        """
        if len(input_shape) == 1:
            return {"ones": Workspace((), fill=1.0, constant=True)} if self.use_bias else {}
        return {"part": Workspace((input_shape[-1], self.units), per_sample=False)}

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return two calls for each step, and a few."""
        return 3 + 2 * self.use_bias + 2 * (input_shape[0] if len(input_shape) > 1 else 0)

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x @ weights + biases."""
        if x.ndim == 2:
            matrix_product(x, state.weights, y)
        else:
            np.matmul(state.weights.T, batch_last(x), out=batch_last(y))
        if self.use_bias:
            np.add(y, state.biases, out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dweights = x.T @ dy, dbiases = sum(dy), dx = dy @ weights.T."""
        if x.ndim != 2:
            self._backward_of_steps(x, dy, dx, state)
            return
        matrix_product(x.T, dy, state.grad.weights)
        if self.use_bias:
            np.matmul(state.ones, dy, out=state.grad.biases)
        if dx is not None:
            matrix_product(dy, state.weights.T, dx)

    def _backward_of_steps(self, x: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        total, part = state.grad.weights, state.part
        for step in range(x.shape[1]):
            matrix_product(x[:, step].T, dy[:, step], part if step else total)
            if step:
                np.add(total, part, out=total)
        if self.use_bias:
            np.add.reduce(dy, axis=(0, 1), out=state.grad.biases)
        if dx is not None:
            np.matmul(state.weights, batch_last(dy), out=batch_last(dx))
