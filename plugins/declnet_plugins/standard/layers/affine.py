"""The base of layers with weights and biases."""

from pydantic import Field

from declnet import Initializer, Layer, Parameter, Regularizer, Shape
from declnet_plugins.standard.initializers import GlorotUniform, Zeros
from declnet_plugins.standard.layers import other_keys


class AffineLayer(Layer):
    """A base for layers with weights and, unless `use_bias` is false, biases."""

    other_keys = other_keys.AFFINE

    use_bias: bool = Field(default=True, description="whether to add biases")
    weight_initializer: Initializer = Field(default=GlorotUniform(), description="initial weights")
    bias_initializer: Initializer = Field(default=Zeros(), description="initial biases")
    weight_regularizer: Regularizer | None = Field(default=None, description="penalty on weights")
    bias_regularizer: Regularizer | None = Field(default=None, description="penalty on biases")

    def weights(
        self, shape: Shape, fan_in: int | None = None, fan_out: int | None = None
    ) -> Parameter:
        """Return weights, with fans unless they follow from the shape."""
        return Parameter(
            shape,
            self.weight_initializer,
            self.weight_regularizer,
            fan_in=fan_in,
            fan_out=fan_out,
        )

    def biases(
        self,
        shape: Shape,
        name: str = "biases",
        initializer: Initializer | None = None,
        fan_in: int | None = None,
        fan_out: int | None = None,
    ) -> dict[str, Parameter]:
        """Return the biases by name; none if `use_bias` is false.

        Args:
            shape: their shape.
            name: their name.
            initializer: default: `bias_initializer`.
            fan_in: unless it follows from the shape.
            fan_out: unless it follows from the shape.
        """
        if not self.use_bias:
            return {}
        start = initializer or self.bias_initializer
        biases = Parameter(
            shape, start, self.bias_regularizer, role="bias", fan_in=fan_in, fan_out=fan_out
        )
        return {name: biases}
