"""Losses of values: means over the outputs of a function of the error; counts and directions."""

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from declnet import Array, Diagnostic, Dtype, Loss, RunContext, Shape
from declnet_plugins.standard.losses.sample_means import outputs_of, room_for_elements, take_means


class ErrorLoss(Loss):
    """losses = mean over the outputs of f(e), with the errors e = y_pred - y_true; a base.

    y_pred, y_true: (n, outputs) or any shape. Subclasses compute f and its derivative.
    """

    takes = "values"

    def value(self, e: Array) -> None:
        """e = f(e)."""
        raise NotImplementedError

    def slope(self, e: Array) -> None:
        """e = f'(e)."""
        raise NotImplementedError

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute f of the errors, then each sample's mean."""
        e = room_for_elements(y_pred, losses)
        np.subtract(y_pred, y_true, out=e)
        self.value(e)
        take_means(e, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = f'(y_pred - y_true) / outputs."""
        np.subtract(y_pred, y_true, out=dy_pred)
        self.slope(dy_pred)
        np.divide(dy_pred, outputs_of(y_pred), out=dy_pred)


class MeanSquaredError(ErrorLoss):
    """losses = mean over the outputs of (y_pred - y_true)**2.

    y_pred, y_true: (n, outputs) or any shape.

    The same as the book's (chapter 17), Keras's and PyTorch's MSELoss: none of them halves it.
    """

    type = "mean_squared_error"
    other_types = ("l2", "l2_loss", "mse_loss", "squared_error")

    def value(self, e: Array) -> None:
        """e**2."""
        np.multiply(e, e, out=e)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = 2 * (y_pred - y_true) / outputs."""
        np.subtract(y_pred, y_true, out=dy_pred)
        np.multiply(dy_pred, 2 / outputs_of(y_pred), out=dy_pred)


class MeanAbsoluteError(ErrorLoss):
    """losses = mean over the outputs of |y_pred - y_true|; its gradient is 0 where they are equal.

    y_pred, y_true: (n, outputs) or any shape.

    The same as the book's (chapter 17), Keras's and PyTorch's L1Loss.
    """

    type = "mean_absolute_error"
    other_types = ("l1", "l1_loss", "mae_loss", "absolute_error")

    def value(self, e: Array) -> None:
        """|e|."""
        np.absolute(e, out=e)

    def slope(self, e: Array) -> None:
        """sign(e), with sign(0) = 0."""
        np.sign(e, out=e)


class Huber(ErrorLoss):
    """losses = mean over the outputs of e**2 / 2 where e <= delta, else delta * (e - delta / 2).

    e = |y_pred - y_true|; y_pred, y_true: (n, outputs) or any shape.

    Huber, Robust Estimation of a Location Parameter, 1964. The same as Keras's Huber and PyTorch's
    HuberLoss, whose SmoothL1Loss is this divided by delta.
    """

    type = "huber"
    other_types = ("smooth_l1", "smooth_l1_loss")
    examples = ({}, {"delta": 0.5})

    delta: float = Field(default=1.0, gt=0, description="error above which the loss is linear")

    def value(self, e: Array) -> None:
        """Both cases as c * |e| - c**2 / 2 with c = min(|e|, delta), a temporary array."""
        np.absolute(e, out=e)
        bounded = np.minimum(e, self.delta)
        np.multiply(e, bounded, out=e)
        np.multiply(bounded, bounded, out=bounded)
        np.multiply(bounded, 0.5, out=bounded)
        np.subtract(e, bounded, out=e)

    def slope(self, e: Array) -> None:
        """clip(e, -delta, delta)."""
        np.clip(e, -self.delta, self.delta, out=e)


class LogCosh(ErrorLoss):
    """losses = mean over the outputs of log(cosh(y_pred - y_true)).

    Nearly e**2 / 2 for small errors e, and |e| - log(2) for large ones: like huber, but smooth.
    y_pred, y_true: (n, outputs) or any shape.

    The same as Keras's LogCosh; PyTorch has no equivalent.
    """

    type = "log_cosh"

    def value(self, e: Array) -> None:
        """|e| + log((1 + exp(-2|e|)) / 2), which does not overflow.

        The logarithm, in a temporary array, is log1p(expm1(-2|e|) / 2), exact for small errors too.
        """
        np.absolute(e, out=e)
        logarithms = np.multiply(e, -2)
        np.expm1(logarithms, out=logarithms)
        np.multiply(logarithms, 0.5, out=logarithms)
        np.log1p(logarithms, out=logarithms)
        np.add(e, logarithms, out=e)

    def slope(self, e: Array) -> None:
        """tanh(e)."""
        np.tanh(e, out=e)


SMALLEST_MEAN = 1e-7
"""Added to a predicted mean count before its logarithm is taken, as in Keras."""

LARGEST_LOGARITHM = 70.0
"""Of a predicted mean count; its exponential times a logarithm is far from float32's limit."""

SMALLEST_NORM = 1e-8
"""Shorter predicted vectors count as of this length, as in PyTorch."""


class Poisson(Loss):
    """losses = mean over the outputs of exp(y_pred) - y_true * y_pred.

    The negative log-likelihood of counts y_true with the mean exp(y_pred), without what does not
    depend on y_pred. Metrics and `predict` get exp(y_pred). With log_input = false, y_pred is the
    mean itself: losses = y_pred - y_true * log(y_pred + 1e-7).

    y_pred, y_true: (n, outputs) or any shape. y_true: counts or rates of at least 0. Above 70, exp
    is continued by its tangent, so that nothing overflows.

    PyTorch's PoissonNLLLoss with eps = 1e-7; Keras's Poisson is log_input = false.
    """

    type = "poisson"
    takes = "values"
    examples = ({}, {"log_input": False})

    log_input: bool = Field(
        default=True,
        description="whether y_pred is the logarithm of the mean, as of a linear last layer",
    )

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Report outputs that cannot be, or need not be, what `log_input` says."""
        bounds = context.output_range
        if bounds is None:
            return
        if self.log_input and bounds.low >= 0:
            message = "poisson takes logarithms, but the model's output is never below 0"
            hint = "use log_input = false, or a linear last layer"
            yield Diagnostic(f"{message}, a mean count of 1", hint, ("log_input",), "W060")
        if not self.log_input and bounds.low < 0:
            message = "poisson takes mean counts, but the model's output may be below 0"
            yield Diagnostic(message, "use log_input = true", ("log_input",), "W060")

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y; raise an error for negative counts."""
        y_true = super().prepare(y, output_shape, dtype)
        if y_true.size and y_true.min() < 0:
            raise ValueError(f"poisson needs counts of at least 0, but y has {y_true.min():g}")
        return y_true

    def predictions(self, y_pred: Array) -> Array:
        """Return the mean counts."""
        return np.exp(np.minimum(y_pred, LARGEST_LOGARITHM)) if self.log_input else y_pred

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute both terms, one in a temporary array, then each sample's mean."""
        elements = room_for_elements(y_pred, losses)
        if self.log_input:
            bounded = np.minimum(y_pred, LARGEST_LOGARITHM)
            means = np.exp(bounded) * (1 + y_pred - bounded)
            np.multiply(y_true, y_pred, out=elements)
        else:
            means = y_pred
            np.add(y_pred, SMALLEST_MEAN, out=elements)
            np.log(elements, out=elements)
            np.multiply(elements, y_true, out=elements)
        np.subtract(means, elements, out=elements)
        take_means(elements, losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = (exp(y_pred) - y_true) / outputs; of means, 1 - y_true / (y_pred + 1e-7)."""
        if self.log_input:
            np.minimum(y_pred, LARGEST_LOGARITHM, out=dy_pred)
            np.exp(dy_pred, out=dy_pred)
            np.subtract(dy_pred, y_true, out=dy_pred)
        else:
            np.add(y_pred, SMALLEST_MEAN, out=dy_pred)
            np.divide(y_true, dy_pred, out=dy_pred)
            np.subtract(1, dy_pred, out=dy_pred)
        np.divide(dy_pred, outputs_of(y_pred), out=dy_pred)


class Cosine(Loss):
    """losses = 1 - cos(y_pred, y_true): from 0 for the same direction to 2 for the opposite one.

    cos(a, b) = sum(a * b) / (max(|a|, 1e-8) * |b|), over the last axis; the mean over any other
    axes. y_pred, y_true: (n, outputs) or any shape, with two or more numbers in the last axis, of
    which y_true has some other than 0. The length of y_pred does not matter.

    1 - PyTorch's cosine_similarity, which is its CosineEmbeddingLoss of similar pairs, and optax's
    cosine_distance. Keras's CosineSimilarity is less by 1.
    """

    type = "cosine"
    takes = "values"
    example_shapes = ((3,), (2, 4))

    def prepare(self, y: Array, output_shape: Shape, dtype: Dtype) -> Array:
        """Return y as vectors of length 1; raise an error for those without a direction."""
        if output_shape[-1:] in ((), (1,)):
            raise ValueError(f"cosine needs two or more outputs, not {output_shape}")
        y_true = super().prepare(y, output_shape, dtype)
        lengths = np.linalg.norm(y_true, axis=-1, keepdims=True)
        if not lengths.all():
            raise ValueError("cosine needs directions, but y has a sample of zeros alone")
        y_true /= lengths
        return y_true

    def forward(self, y_pred: Array, y_true: Array, losses: Array) -> None:
        """Compute the cosines, one for each vector, then each sample's mean."""
        cosines = np.einsum("...k,...k->...", y_pred, y_true) / _lengths(y_pred)
        np.mean(cosines.reshape(len(losses), -1), axis=1, out=losses)
        np.subtract(1, losses, out=losses)

    def backward(self, y_pred: Array, y_true: Array, dy_pred: Array) -> None:
        """dy_pred = (y_pred * cos / length - y_true) / length / vectors, length = |y_pred|."""
        lengths = _lengths(y_pred)
        factors = np.einsum("...k,...k->...", y_pred, y_true) / lengths**2
        factors[lengths <= SMALLEST_NORM] = 0  # where the length is constant
        np.multiply(y_pred, factors[..., None], out=dy_pred)
        np.subtract(dy_pred, y_true, out=dy_pred)
        np.divide(dy_pred, (lengths * (lengths.size / len(lengths)))[..., None], out=dy_pred)


def _lengths(vectors: Array) -> Array:
    """Return the length of each vector along the last axis, at least SMALLEST_NORM."""
    squares = np.einsum("...k,...k->...", vectors, vectors)
    lengths: Array = np.maximum(np.sqrt(squares), SMALLEST_NORM)
    return lengths
