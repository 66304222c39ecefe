"""Periodic embeddings of numbers."""

from math import pi

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, Layer, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.initializers import Normal, Uniform
from declnet_plugins.tabular.initializers import FanInUniform


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


def _samples_last(array: Array) -> Array:
    """Return (n, f, h) viewed as (f, h, n)."""
    return np.moveaxis(array, 0, -1)
