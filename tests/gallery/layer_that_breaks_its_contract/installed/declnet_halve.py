"""A plugin with a layer that gives no features if it gets a single one."""

from declnet import Array, Layer, LayerState, Register, Shape, hookimpl


class Halve(Layer):
    """The first half of the features."""

    type = "halve"

    def output_shape(self, input_shape: Shape) -> Shape:
        """Half of them."""
        return (input_shape[0] // 2,)

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Takes the first half."""
        y[:] = x[:, : y.shape[1]]

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """The others count for nothing."""
        if dx is not None:
            dx[:] = 0
            dx[:, : y.shape[1]] = dy


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers the layer."""
    register(Halve)
