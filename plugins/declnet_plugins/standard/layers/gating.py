"""Activations that join several features into one: gated linear units and maxout."""

from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array, Layer, LayerState, OutputRange, Shape, Workspace
from declnet_plugins.standard.layers.activations import Linear, ReLU, Sigmoid, SiLU, Tanh
from declnet_plugins.standard.layers.gelu import GELU

GATES: dict[str, Layer] = {
    "sigmoid": Sigmoid(),
    "silu": SiLU(),
    "gelu": GELU(),
    "relu": ReLU(),
    "tanh": Tanh(),
    "linear": Linear(),
}
"""The activations of a gate, which fill arrays of the unit that has them."""


def features_axis(shape: Shape) -> int:
    """Return the axis of a sample's features: the channels of images, otherwise the last one."""
    return 0 if len(shape) == 3 else len(shape) - 1


class GLU(Layer):
    """y = a * f(b), where x = (a, b): half of the features are gates for the other half.

    f is the activation: with sigmoid this is GLU, with silu SwiGLU, with gelu GEGLU, with relu
    ReGLU. da = dy * f(b), db = dy * a * f'(b).

    x: (n, …, features), an even number, or images (n, channels, height, width), with an even number
    of channels; y has half of them. A dense layer before it computes both halves. PyTorch's
    `GLU(dim=-1)`, or `GLU(dim=1)` for images, with sigmoid.

    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks", ICML 2017,
    arXiv:1612.08083; Shazeer, "GLU Variants Improve Transformer", 2020, arXiv:2002.05202.
    """

    type = "glu"
    examples = ({}, {"activation": "silu"}, {"activation": "gelu"}, {"activation": "relu"})
    example_shapes = ((6,), (3, 4), (4, 3, 2))
    backward_needs = frozenset({"x"})
    memory_order = "any"
    output_range = OutputRange()

    activation: Literal["sigmoid", "silu", "gelu", "relu", "tanh", "linear"] = Field(
        default="sigmoid", description='activation of the gates; "silu" for SwiGLU'
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return half the features; raise ValueError for an odd number of them."""
        axis = features_axis(input_shape)
        if not input_shape or input_shape[axis] % 2:
            raise ValueError(f"glu takes an even number of features, not samples {input_shape}")
        return (*input_shape[:axis], input_shape[axis] // 2, *input_shape[axis + 1 :])

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for f(b), its gradient, and what the activation needs."""
        half = self.output_shape(input_shape)
        halves = {"gate": Workspace(half), "dgate": Workspace(half)}
        return halves | GATES[self.activation].workspace(half)

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return the calls of the activation, and a few."""
        return 47 if self.activation == "gelu" else 12

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """y = a * f(b)."""
        a, b = _halves(x)
        GATES[self.activation].forward(b, state.gate, state)
        np.multiply(a, state.gate, out=y)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """da = dy * f(b), db = dy * a * f'(b)."""
        if dx is None:
            return
        (a, b), (da, db) = _halves(x), _halves(dx)
        np.multiply(dy, a, out=state.dgate)
        GATES[self.activation].backward(b, state.gate, state.dgate, db, state)
        np.multiply(dy, state.gate, out=da)


def _halves(values: Array) -> tuple[Array, Array]:
    """Return views of both halves of the features of (n, *shape)."""
    axis = 1 + features_axis(values.shape[1:])
    before, half = (slice(None),) * axis, values.shape[axis] // 2
    return values[(*before, slice(half))], values[(*before, slice(half, None))]


class Maxout(Layer):
    """y[j] = the maximum of x[j * pieces + k] over k = 0 … pieces - 1.

    After a dense layer with units * pieces units, it learns a convex activation for each unit.
    dx = dy at the maximum, the first if there are several, and 0 elsewhere.

    x: (n, …, features), or images (n, channels, height, width), where neighboring channels compete.
    TensorFlow Addons' `Maxout`; in PyTorch, `x.view(n, -1, pieces).amax(-1)`.

    Source: Goodfellow et al., "Maxout Networks", ICML 2013, arXiv:1302.4389.
    """

    type = "maxout"
    examples = ({"pieces": 2}, {"pieces": 3})
    example_shapes = ((6,), (3, 12), (6, 3, 2))
    memory_order = "any"
    output_range = "input"

    pieces: int = Field(ge=2, description="number of features of which each output is the largest")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return features / pieces; raise ValueError if the pieces do not divide the features."""
        axis = features_axis(input_shape)
        if not input_shape or input_shape[axis] % self.pieces:
            raise ValueError(
                f"maxout takes a multiple of {self.pieces} features, not samples {input_shape}"
            )
        return (*input_shape[:axis], input_shape[axis] // self.pieces, *input_shape[axis + 1 :])

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for masks: where a piece is the maximum, and where none was so far."""
        mask = Workspace(self.output_shape(input_shape), dtype=bool)
        return {"here": mask, "open": mask}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Take the running maximum."""
        first, *others = self._pieces(x)
        np.copyto(y, first)
        for piece in others:
            np.maximum(y, piece, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dx = dy at the first of the largest pieces."""
        if dx is None:
            return
        here, free = state.here, state.open
        free.fill(True)
        for piece, filled in zip(self._pieces(x), self._pieces(dx), strict=True):
            np.equal(piece, y, out=here)
            np.logical_and(here, free, out=here)
            np.logical_xor(free, here, out=free)
            np.multiply(dy, here, out=filled)

    def _pieces(self, values: Array) -> list[Array]:
        """Return views of every pieces-th feature of (n, *shape)."""
        before = (slice(None),) * (1 + features_axis(values.shape[1:]))
        return [values[(*before, slice(k, None, self.pieces))] for k in range(self.pieces)]
