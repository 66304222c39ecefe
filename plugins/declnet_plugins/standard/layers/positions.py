"""Positional encoding: adds a vector for each position, which tells steps apart."""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, Layer, LayerState, Parameter, Shape
from declnet_plugins.standard.initializers import Normal
from declnet_plugins.standard.layers.sequences import require_sequence


class PositionalEncoding(Layer):
    """y[t] = x[t] + p[t], so that attention, which ignores order, can tell the steps apart.

    With "sinusoidal", p[t, 2i] = sin(t / 10000^(2i / features)) and p[t, 2i + 1] = cos(t /
    10000^(2i / features)), for t from 0. With "learned", p is the parameter positions (time,
    features), of which dpositions = the sum of dy over the batch. x, y: sequences (n, time,
    features); dx = dy. Each step depends on itself alone, padding or not.

    Sources: Vaswani et al., "Attention Is All You Need", NeurIPS 2017; learned, with a deviation of
    0.02: Devlin et al., "BERT", NAACL 2019.
    """

    type = "positional_encoding"
    examples = ({}, {"encoding": "learned"})
    backward_needs = frozenset()
    in_place = True
    memory_order = "any"
    is_linear = True
    example_shapes = ((4, 3), (3, 6))

    encoding: Literal["sinusoidal", "learned"] = Field(
        default="sinusoidal", description="what p is: fixed waves, or trained vectors"
    )
    position_initializer: Initializer = Field(
        default=Normal(std=0.02), description="initial positions, if learned"
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the same shape; raise ValueError unless the input is sequences."""
        require_sequence(self.type, input_shape)
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return positions (time, features), if they are learned."""
        if self.encoding == "sinusoidal":
            return {}
        return {"positions": Parameter(input_shape, self.position_initializer, role="bias")}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = x + p."""
        learned = self.encoding == "learned"
        np.add(x, state.positions if learned else waves(*x.shape[1:], x.dtype), out=y)

    def backward(self, x: None, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy, dpositions = the sum of dy."""
        if self.encoding == "learned":
            np.add.reduce(dy, axis=0, out=state.grad.positions)
        if dx is not None and dx is not dy:
            np.copyto(dx, dy)


@lru_cache(maxsize=64)
def waves(time: int, features: int, dtype: Any) -> Any:
    """Return the sinusoidal encoding (time, features), to read only."""
    rates = 10000.0 ** (-(np.arange(features) // 2 * 2) / features)
    angles = np.arange(time)[:, None] * rates
    table = np.where(np.arange(features) % 2, np.cos(angles), np.sin(angles)).astype(dtype)
    table.flags.writeable = False
    return table
