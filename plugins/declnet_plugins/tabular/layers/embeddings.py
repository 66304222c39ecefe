"""Embeddings of numbers: periodic, and piecewise linear."""

from math import pi

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, Layer, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.initializers import Normal, Uniform, Zeros
from declnet_plugins.tabular.initializers import FanInUniform, QuantileEdges


class PBLD(Layer):
    """y = (W_1 cos(2 pi w_1 x_1 + b_1) + c_1, …, W_f cos(2 pi w_f x_f + b_f) + c_f, x).

    Periodic, with biases, linear, dense: each of f features has its own frequencies w and phases
    b, (frequencies,), weights W, (frequencies, units - 1), and biases c, (units - 1,), and the
    features themselves are appended. x: (n, f); y: (n, f * units).

    With a = 2 pi w x + b for a feature and its part of dy: dc = sum(dy), dW = sum(cos(a) dy),
    db = sum(da), dw = 2 pi sum(x da), dx = 2 pi sum(w da) + the appended part of dy, where
    da = -sin(a) * (W dy) and sums are over the batch, except dx's, which is over the frequencies.

    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491, where
    all of its learning rates are multiplied by 0.1; after Gorishniy, Rubachev and Babenko, On
    Embeddings for Numerical Features in Tabular Deep Learning, NeurIPS 2022.
    """

    type = "pbld"
    examples = ({}, {"frequencies": 3, "units": 2, "frequency_initializer": "glorot_normal"})
    example_shapes = ((3,), (1,))
    backward_needs = frozenset({"x"})
    output_range = OutputRange()

    frequencies: int = Field(default=16, ge=1, description="number of cosines of each feature")
    units: int = Field(
        default=4, ge=2, description="numbers for each feature, of which the last is the feature"
    )
    frequency_initializer: Initializer = Field(
        default=Normal(std=0.1), description="initial frequencies"
    )
    phase_initializer: Initializer = Field(
        default=Uniform(low=-pi, high=pi), description="initial phases, in radians"
    )
    weight_initializer: Initializer = Field(
        default=FanInUniform(), description="initial weights of the cosines"
    )
    bias_initializer: Initializer = Field(default=FanInUniform(), description="initial biases")

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return (f * units,); raise ValueError unless samples are vectors."""
        if len(input_shape) != 1:
            raise ValueError(f"pbld takes samples (features,), not {input_shape}")
        return (input_shape[0] * self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return an array of each kind for all features, features first."""
        (f,), h, o = input_shape, self.frequencies, self.units - 1
        frequencies, phases = self.frequency_initializer, self.phase_initializer
        weights, biases = self.weight_initializer, self.bias_initializer
        return {
            "frequencies": Parameter((f, h), frequencies, fan_in=1, fan_out=h),
            "phases": Parameter((f, h), phases, role="bias", fan_in=1, fan_out=h),
            "weights": Parameter((f, h, o), weights, fan_in=h, fan_out=o),
            "biases": Parameter((f, o), biases, role="bias", fan_in=h, fan_out=o),
        }

    def workspace(self, input_shape: Shape) -> dict[str, Workspace]:
        """Return memory for the angles, their cosines, and the gradient of these."""
        waves = (input_shape[0], self.frequencies)
        return {name: Workspace(waves) for name in ("angles", "cosines", "slopes")}

    def forward(self, x: Array, y: Array, state: LayerState) -> None:
        """Fill the features' parts of y, then append x."""
        angles, cosines = _samples_last(state.angles), _samples_last(state.cosines)
        np.multiply(x.T[:, None], (2 * pi * state.frequencies)[:, :, None], out=angles)
        np.add(angles, state.phases[:, :, None], out=angles)
        np.cos(angles, out=cosines)
        embedded, appended = self._parts(y, x.shape[1])
        np.matmul(state.weights.swapaxes(1, 2), cosines, out=embedded)
        np.add(embedded, state.biases[:, :, None], out=embedded)
        np.copyto(appended, x)

    def backward(self, x: Array, y: None, dy: Array, dx: Array | None, state: LayerState) -> None:
        """dc = sum(dy), dW = sum(cos(a) dy), db = sum(da), dw = 2 pi sum(x da), and dx.

        With da = -sin(a) * (W dy), whose sign follows the sums: dx = 2 pi sum(w da) + the appended
        part of dy.
        """
        angles, cosines, slopes = map(_samples_last, (state.angles, state.cosines, state.slopes))
        embedded, appended = self._parts(dy, x.shape[1])
        np.add.reduce(embedded, axis=2, out=state.grad.biases)
        np.matmul(cosines, embedded.swapaxes(1, 2), out=state.grad.weights)
        np.matmul(state.weights, embedded, out=slopes)
        np.sin(angles, out=cosines)
        np.multiply(slopes, cosines, out=slopes)
        np.add.reduce(slopes, axis=2, out=state.grad.phases)
        np.negative(state.grad.phases, out=state.grad.phases)
        np.matmul(slopes, x.T[:, :, None], out=state.grad.frequencies[:, :, None])
        np.multiply(state.grad.frequencies, -2 * pi, out=state.grad.frequencies)
        if dx is not None:
            np.einsum("fhn,fh->nf", slopes, state.frequencies, out=dx)
            np.multiply(dx, -2 * pi, out=dx)
            np.add(dx, appended, out=dx)

    def _parts(self, y: Array, features: int) -> tuple[Array, Array]:
        """Return views of the embeddings (f, units - 1, n) and of the appended features (n, f)."""
        units = self.units - 1
        end = features * units
        return _samples_last(y[:, :end].reshape(-1, features, units)), y[:, end:]


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
    """Return (n, f, numbers) viewed as (f, numbers, n)."""
    return np.moveaxis(array, 0, -1)
