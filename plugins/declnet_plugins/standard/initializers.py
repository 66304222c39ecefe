"""Initializers: the values that parameters start with."""

from collections.abc import Callable
from math import inf, prod, sqrt
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Initializer, Register, hookimpl


class Zeros(Initializer):
    """w = 0."""

    type = "zeros"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = 0."""
        w[...] = 0


class Ones(Initializer):
    """w = 1."""

    type = "ones"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = 1."""
        w[...] = 1


class Constant(Initializer):
    """w = value."""

    type = "constant"
    examples = ({"value": 0.1},)
    other_keys = {"val": "value"}

    value: float = Field(description="the value of every element")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = value."""
        w[...] = self.value


class Normal(Initializer):
    """w ~ N(mean, std**2)."""

    type = "normal"
    examples = ({}, {"std": 0.05})
    other_types = ("gaussian", "random_normal")
    other_keys = {"stddev": "std", "sigma": "std", "scale": "std"}

    mean: float = Field(default=0.0, description="the distribution's mean")
    std: float = Field(default=0.01, ge=0, description="its standard deviation")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws."""
        w[...] = rng.normal(self.mean, self.std, w.shape)


class TruncatedNormal(Initializer):
    """w ~ N(mean, std**2), drawn again where it is more than 2 * std from the mean.

    The remaining draws have a standard deviation of 0.8796 * std, as with Keras's
    TruncatedNormal. PyTorch's trunc_normal_ cuts at absolute limits, -2 and 2 by default.
    """

    type = "truncated_normal"
    examples = ({}, {"std": 0.05})

    mean: float = Field(default=0.0, description="the distribution's mean")
    std: float = Field(default=0.01, ge=0, description="standard deviation before the cut")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws within 2 * std."""
        draws = rng.normal(size=w.shape)
        while (outside := np.abs(draws) > 2).any():
            draws[outside] = rng.normal(size=np.count_nonzero(outside))
        w[...] = self.mean + self.std * draws


class Uniform(Initializer):
    """w ~ U(low, high)."""

    type = "uniform"
    examples = ({}, {"low": 0.0, "high": 1.0})
    other_types = ("random_uniform",)
    other_keys = {"minval": "low", "maxval": "high", "a": "low", "b": "high"}

    low: float = Field(default=-0.05, description="the smallest value")
    high: float = Field(default=0.05, description="the largest value, exclusive")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) must not be greater than high ({self.high})")
        return self

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws."""
        w[...] = rng.uniform(self.low, self.high, w.shape)


class GlorotNormal(Initializer):
    """w ~ N(0, std**2), std = sqrt(2 / (fan_in + fan_out)); not truncated (Keras truncates).

    Glorot and Bengio, Understanding the difficulty of training deep networks, AISTATS 2010.
    """

    type = "glorot_normal"
    other_types = ("xavier_normal",)

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws of variance 2 / (fan_in + fan_out)."""
        w[...] = rng.normal(0.0, sqrt(2 / (fan_in + fan_out)), w.shape)


class GlorotUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(6 / (fan_in + fan_out)).

    Glorot and Bengio, Understanding the difficulty of training deep networks, AISTATS 2010.
    """

    type = "glorot_uniform"
    other_types = ("glorot", "xavier", "xavier_uniform")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 2 / (fan_in + fan_out)."""
        limit = sqrt(6 / (fan_in + fan_out))
        w[...] = rng.uniform(-limit, limit, w.shape)


class HeNormal(Initializer):
    """w ~ N(0, std**2), std = sqrt(2 / fan_in), for layers before a rectifier.

    Not truncated (Keras truncates). He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV
    2015.
    """

    type = "he_normal"
    other_types = ("he", "kaiming", "kaiming_normal")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws of variance 2 / fan_in."""
        w[...] = rng.normal(0.0, sqrt(2 / fan_in), w.shape)


class HeUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(6 / fan_in), for layers before a rectifier.

    He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015.
    """

    type = "he_uniform"
    other_types = ("kaiming_uniform",)

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 2 / fan_in."""
        limit = sqrt(6 / fan_in)
        w[...] = rng.uniform(-limit, limit, w.shape)


class LecunNormal(Initializer):
    """w ~ N(0, std**2), std = sqrt(1 / fan_in); not truncated (Keras truncates).

    PyTorch: kaiming_normal_ with nonlinearity="linear". LeCun, Bottou, Orr and Müller, Efficient
    BackProp, 1998; for selu: Klambauer et al., Self-Normalizing Neural Networks, NIPS 2017.
    """

    type = "lecun_normal"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = normal draws of variance 1 / fan_in."""
        w[...] = rng.normal(0.0, sqrt(1 / fan_in), w.shape)


class LecunUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(3 / fan_in).

    PyTorch: kaiming_uniform_ with nonlinearity="linear". LeCun, Bottou, Orr and Müller, Efficient
    BackProp, 1998.
    """

    type = "lecun_uniform"

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = uniform draws of variance 1 / fan_in."""
        limit = sqrt(3 / fan_in)
        w[...] = rng.uniform(-limit, limit, w.shape)


class Orthogonal(Initializer):
    """w = gain * Q, from the QR decomposition of a matrix of normal draws.

    Rows are orthonormal, or columns if there are more rows than columns. Each column of Q takes the
    sign that makes R's diagonal positive, so that all orthogonal matrices are equally likely
    (Mezzadri, How to generate random matrices, 2007). More than two axes are flattened to
    (shape[0], rest), as in PyTorch. Saxe, McClelland and Ganguli, Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks, ICLR 2014.
    """

    type = "orthogonal"
    examples = ({}, {"gain": 1.4142135623730951})

    gain: float = Field(default=1.0, gt=0, description="length of the rows, or columns")

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = gain * Q."""
        if w.ndim < 2:
            raise ValueError(f"orthogonal fills parameters of at least 2 axes, not shape {w.shape}")
        rows, columns = w.shape[0], prod(w.shape[1:])
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q *= np.copysign(self.gain, np.diagonal(r))
        w[...] = (q if rows >= columns else q.T).reshape(w.shape)


class LSUV(Initializer):
    """w = Q / std: an orthogonal matrix, scaled so that the layer's output has a variance of 1.

    The variance is taken over all outputs of the layer, samples and units, for the first batch of
    training; layers are scaled from the input on, each after the ones before it. If a layer is not
    linear, its scale is found iteratively, in at most ten steps. Without training, w stays
    orthogonal, as with `orthogonal`. Mishkin and Matas, All you need is a good init, ICLR
    2016, where the tolerance is 0.1.
    """

    type = "lsuv"
    examples = ({}, {"tolerance": 0.1})

    tolerance: float = Field(
        default=0.01, gt=0, lt=1, description="how far the variance may differ from 1"
    )

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """w = Q."""
        if w.ndim < 2:
            raise ValueError(f"lsuv fills parameters of at least 2 axes, not shape {w.shape}")
        Orthogonal().fill(w, rng, fan_in, fan_out)

    def adapt(
        self, w: Array, x: Any, forward: Callable[[], Array], rng: np.random.Generator
    ) -> None:
        """Divide w by the output's standard deviation, until the variance is 1."""
        for _ in range(10):
            variance = float(forward().var(dtype=np.float64))
            if abs(variance - 1) <= self.tolerance or not 0 < variance < inf:
                break
            np.divide(w, sqrt(variance), out=w)


INITIALIZERS = (
    "constant glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform lsuv "
    "normal ones orthogonal truncated_normal uniform zeros"
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the initializers."""
    for type_ in INITIALIZERS.split():
        register.lazily("initializer", type_, __name__)
