"""Orthogonal matrices."""

from math import prod

import numpy as np
from pydantic import Field

from declnet import Array, Initializer


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
