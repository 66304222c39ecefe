"""Piecewise-linear embeddings of numbers."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, Layer, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.initializers import Zeros
from declnet_plugins.tabular.initializers import FanInUniform, QuantileEdges


class PiecewiseLinear(Layer):
    """y = slopes * x + biases + e(x) @ weights, feature by feature.

    x: (n, f); y: (n, f, units); slopes, biases: (f, units); weights: (f, bins, units). With the
    edges t_0 <= … <= t_bins of a feature, which are not trained, e_i(x) goes from 0 at the left to
    1 at the right edge of its bin:

        e_i = (x - t_i-1) / (t_i - t_i-1), at least 0 except in the first bin, at most 1 except in
        the last; 0 in a bin without width.

    Weights start at 0, so that the embedding starts linear. Gradients are as for a linear map of x
    and e; dx = dy . slopes + the sum over bins of (dy @ weights.T)_i / (t_i - t_i-1) where
    e_i is not limited, and at an edge as on its right. By default, edges are the data's quantiles.

    "Version B" of rtdl_num_embeddings: Gorishniy, Rubachev and Babenko, On Embeddings for Numerical
    Features in Tabular Deep Learning, NeurIPS 2022; with TabM: Gorishniy, Kotelnikov and Babenko,
    TabM, ICLR 2025, arXiv:2410.24210.
    """

    type = "piecewise_linear"
    examples = ({"units": 3, "bins": 4}, {"units": 2, "bins": 1})
    example_shapes = ((3,), (1,))
    backward_needs = frozenset({"x"})
    output_range = OutputRange()

    units: int = Field(default=16, ge=1, description="length of each feature's embedding")
    bins: int = Field(default=48, ge=1, description="number of bins of each feature")
    edge_initializer: Initializer = Field(
        default=QuantileEdges(), description="the bins' edges, in ascending order"
    )
    weight_initializer: Initializer = Field(
        default=Zeros(), description="initial weights of the bins"
    )
    slope_initializer: Initializer = Field(
        default=FanInUniform(), description="initial slopes of the linear part"
    )
    bias_initializer: Initializer = Field(default=FanInUniform(), description="initial biases")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (f, units); raise ValueError unless samples are vectors."""
        if len(input_shape) != 1:
            raise ValueError(f"piecewise_linear takes samples (features,), not {input_shape}")
        return (input_shape[0], self.units)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return edges (f, bins + 1), and what is trained for each feature."""
        (f,), bins, o = input_shape, self.bins, self.units
        slopes, biases = self.slope_initializer, self.bias_initializer
        return {
            "edges": Parameter((f, bins + 1), self.edge_initializer, trainable=False),
            "weights": Parameter((f, bins, o), self.weight_initializer, fan_in=bins, fan_out=o),
            # their fan_in is the source's
            "slopes": Parameter((f, o), slopes, role="scale", fan_in=o, fan_out=o),
            "biases": Parameter((f, o), biases, role="bias", fan_in=o, fan_out=o),
        }

    def numpy_calls(self, input_shape: Shape) -> int:
        """Return the calls for the bins."""
        return 42

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for e and its gradient, for 1 / widths, and for the limits of e."""
        bins, (f,) = (*input_shape, self.bins), input_shape
        per_bin = {
            name: Workspace(bins, per_sample=False) for name in ("per_width", "lowest", "highest")
        }
        linear = Workspace((f, self.units))
        return {"e": Workspace(bins), "de": Workspace(bins), "linear": linear, **per_bin}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Fill e, then y = slopes * x + biases + e @ weights."""
        e, out = _samples_last(state.e), _samples_last(y)
        _measure(state)
        np.subtract(x.T[:, None], state.edges[:, :-1, None], out=e)
        np.multiply(e, state.per_width[:, :, None], out=e)
        np.maximum(e, state.lowest[:, :, None], out=e)
        np.minimum(e, state.highest[:, :, None], out=e)
        np.matmul(state.weights.swapaxes(1, 2), e, out=out)
        linear = _samples_last(state.linear)
        np.multiply(x.T[:, None], state.slopes[:, :, None], out=linear)
        np.add(out, linear, out=out)
        np.add(out, state.biases[:, :, None], out=out)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dweights = e.T @ dy, dslopes = sum(x * dy), dbiases = sum(dy), and dx.

        With de = dy @ weights.T / widths, 0 where e is limited: dx = dy . slopes + the sum of de.
        """
        e, de, out = _samples_last(state.e), _samples_last(state.de), _samples_last(dy)
        np.add.reduce(out, axis=2, out=state.grad.biases)
        np.einsum("fon,nf->fo", out, x, out=state.grad.slopes)
        np.matmul(e, out.swapaxes(1, 2), out=state.grad.weights)
        if dx is not None:
            np.matmul(state.weights, out, out=de)
            np.multiply(de, state.per_width[:, :, None], out=de)
            for limited in (np.greater_equal, np.less):  # e is no longer needed
                np.subtract(x.T[:, None], state.edges[:, :-1, None], out=e)
                np.multiply(e, state.per_width[:, :, None], out=e)
                limit = state.lowest if limited is np.greater_equal else state.highest
                limited(e, limit[:, :, None], out=e)
                np.multiply(de, e, out=de)
            np.einsum("fon,fo->nf", out, state.slopes, out=dx)
            np.add.reduce(de, axis=1, out=e[:, 0])
            np.add(dx, e[:, 0].T, out=dx)


def _measure(state: LayerState) -> None:
    """Fill 1 / width and the limits of e for each bin; edges may have been loaded or adapted."""
    left, right, per_width = state.edges[:, :-1], state.edges[:, 1:], state.per_width
    lowest, highest = state.lowest, state.highest
    np.subtract(right, left, out=lowest)
    np.equal(lowest, 0, out=highest)
    np.add(lowest, highest, out=lowest)
    np.subtract(1, highest, out=highest)
    np.divide(highest, lowest, out=per_width)
    np.greater(left, state.edges[:, :1], out=lowest)
    np.subtract(lowest, 1, out=lowest)
    np.multiply(lowest, LARGE, out=lowest)
    np.less(right, state.edges[:, -1:], out=highest)
    np.subtract(1, highest, out=highest)
    np.multiply(highest, LARGE, out=highest)
    np.add(highest, 1, out=highest)


LARGE = 1e30
"""The limit of e where it has none, in either float type."""


def _samples_last(array: Array) -> Array:
    """Return (n, f, units) viewed as (f, units, n)."""
    return np.moveaxis(array, 0, -1)
