"""Losses of several numbers that describe the distribution of one target."""

from math import log, pi

import numpy as np
from pydantic import Field, field_validator

from declnet import Array, Dtype, Loss, Shape
from declnet_plugins.standard.losses.sample_means import take_means

MOST_LOG_VARIANCE = 30.0
"""Log variances are clipped to this magnitude, so that their exponentials stay finite."""


class Quantile(Loss):
    """losses = mean over the quantiles q of max(q * e, (q - 1) * e), with e = y_true - y_pred.

    y_pred: (n, quantiles), a unit for each; y: one number per sample, (n,) or (n, 1). A unit learns
    the value that y is below with probability q. Quantiles may cross: nothing keeps them in order.
    The gradient is 0 where y_pred = y_true.

    Koenker and Bassett, Regression Quantiles, 1978; the pinball loss. The same as scikit-learn's
    mean_pinball_loss, averaged over the quantiles.
    """

    type = "quantile"
    other_types = ("pinball", "pinball_loss")
    other_keys = {"alpha": "quantiles", "q": "quantiles"}
    takes = "values"
    examples = ({}, {"quantiles": [0.25, 0.5, 0.75]})
    example_shapes = (((3,), ()), ((3,), (1,)))

    quantiles: tuple[float, ...] = Field(
        default=(0.1, 0.5, 0.9), min_length=1, description="the quantile of each unit, in order"
    )

    @field_validator("quantiles")
    @classmethod
    def _are_shares_in_order(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < quantile < 1 for quantile in quantiles):
            raise ValueError(f"quantiles must be between 0 and 1, not {list(quantiles)}")
        if list(quantiles) != sorted(set(quantiles)):
            raise ValueError(f"quantiles must increase, not {list(quantiles)}")
        return quantiles

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as (n, 1); there must be a unit for each quantile."""
        count = len(self.quantiles)
        if output_shape != (count,):
            units = f"{count} unit{'s' if count > 1 else ''}"
            raise ValueError(f"{count} quantiles need {units}, but the output is {output_shape}")
        return _single(y, dtype)

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute both sides of the pinball and take the larger one."""
        errors = np.subtract(y_true, y_pred)
        q = np.asarray(self.quantiles, errors.dtype)
        np.maximum(errors * q, errors * (q - 1), out=errors)
        take_means(errors, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = -q / quantiles where y_true is larger, (1 - q) / quantiles where smaller."""
        q = np.asarray(self.quantiles, dy_pred.dtype) / len(self.quantiles)
        np.subtract(y_pred, y_true, out=dy_pred)
        np.sign(dy_pred, out=dy_pred)
        above = dy_pred > 0
        np.multiply(dy_pred, q, out=dy_pred)
        np.multiply(dy_pred, 1 / q / len(self.quantiles) - 1, out=dy_pred, where=above)


class GaussianNLL(Loss):
    """losses = (log(2 * pi) + s + (y_true - m)**2 / exp(s)) / 2, the negative log likelihood.

    y_pred: (n, 2) or (n, 2 * targets): the means m, then the logarithms s of the variances; y:
    (n, targets), or (n,) for one. The loss of several targets is their sum. Predictions are the
    means. s is clipped to [-30, 30]; the gradient ignores that.

    Nix and Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994.
    PyTorch's GaussianNLLLoss(full=True) takes the variances themselves.
    """

    type = "gaussian_nll"
    expected_failures = {
        "gradient_of_predictions": "a log variance beyond the limits is pulled back to them"
    }
    takes = "values"
    example_shapes = (((2,), ()), ((2,), (1,)), ((4,), (2,)))

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as (n, targets); there must be two units for each target."""
        values = y.astype(dtype).reshape(len(y), -1)
        shape = (2 * values.shape[1],)
        if output_shape != shape:
            raise ValueError(
                f"the output must have two units for each number of y, so the shape {shape}, not "
                f"{output_shape}"
            )
        return values

    def predictions(self, y_pred: Array) -> Array:
        """Return the means, (n, targets)."""
        return y_pred[:, : y_pred.shape[1] // 2].copy()

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute each target's negative log likelihood, then their sum."""
        mean, variance = self._halves(y_pred)
        elements = np.subtract(y_true, mean)
        np.multiply(elements, elements, out=elements)
        np.divide(elements, np.exp(variance), out=elements)
        np.add(elements, variance, out=elements)
        np.add.reduce(elements, axis=1, out=losses)
        np.add(losses, log(2 * pi) * y_true.shape[1], out=losses)
        np.multiply(losses, 0.5, out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dm = (m - y_true) / exp(s), ds = (1 - (y_true - m)**2 / exp(s)) / 2."""
        mean, variance = self._halves(y_pred)
        count = y_true.shape[1]
        errors = np.subtract(mean, y_true)
        dm, ds = dy_pred[:, :count], dy_pred[:, count:]
        np.divide(errors, np.exp(variance), out=dm)
        np.multiply(errors, dm, out=ds)
        np.subtract(1, ds, out=ds)
        np.multiply(ds, 0.5, out=ds)

    @staticmethod
    def _halves(y_pred: Array) -> tuple[Array, Array]:
        count = y_pred.shape[1] // 2
        clipped = np.clip(y_pred[:, count:], -MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)
        return y_pred[:, :count], clipped


def _single(y: Array, dtype: Dtype) -> Array:
    """Return one number per sample as (n, 1)."""
    if y.size != len(y):
        raise ValueError(f"quantiles are of one number per sample, but y has {y.shape[1:]}")
    return y.astype(dtype).reshape(len(y), 1)
