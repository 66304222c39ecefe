"""A plugin with a layer that has no outputs for a single feature."""

from declnet import Array, Layer, LayerState, Register, Shape, hookimpl


class Halve(Layer):
    """The first half of the features."""

    type = "halve"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return half of the features."""
        return (input_shape[0] // 2,)

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Return the first half."""
        y[:] = x[:, : y.shape[1]]

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """Return gradients, which are 0 for the second half."""
        if dx is not None:
            dx[:] = 0
            dx[:, : y.shape[1]] = dy


@hookimpl
def declnet_register(register: Register) -> None:
    """Register the layer."""
    register(Halve)
