"""Temperature scaling: p = softmax(log(p) / temperature), sigmoid(logit(p) / temperature)."""

from math import sqrt

import numpy as np

from declnet import Array

LEAST_POSITIVE = float(np.finfo(np.float32).tiny)
"""Lower numbers, which float32 turns into 0, count as this before their logarithm is taken."""

LEAST_REST = float(np.finfo(np.float32).epsneg) / 2
"""The same for 1 - p, with p the probability of the second of two classes."""

COLDEST, HOTTEST = 1e-2, 1e2
"""The range of temperatures."""

TOLERANCE = 1e-8
"""Relative change of 1 / temperature that ends the search; the loss changes by about its square."""

MOST_STEPS = 60
"""Steps of the search, of which Newton's method needs about six; halving the range at most 30."""


def logits_of(p: Array, together: bool) -> Array:
    """Return the logarithms of distributions (n, classes), or the logit of each probability."""
    logits: Array = np.log(np.maximum(p, LEAST_POSITIVE))
    return logits if together else logits - np.log(np.maximum(1 - p, LEAST_REST))


def probabilities_of(logits: Array, together: bool) -> Array:
    """Return the inverse of `logits_of`."""
    if together:
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        distributions: Array = powers / powers.sum(axis=1, keepdims=True)
        return distributions
    with np.errstate(over="ignore"):
        p: Array = 1 / (1 + np.exp(-logits))
    return p


def fitted_temperature(
    logits: Array, y_true: Array, together: bool, prior_samples: float = 0.0
) -> float:
    """Return the temperature with the lowest log loss, from `COLDEST` to `HOTTEST`.

    Targets are smoothed, n / (n + 1) for the class of a sample and the rest for all classes alike,
    so that the temperature of a model without an error on n samples is not 0. The loss is convex
    in 1 / temperature: Newton's method finds where its derivative is 0, and halves the range of
    log(1 / temperature) where a step would leave it. Logits that are all equal have no best
    temperature, and get 1.

    Args:
        logits: of at least one sample, (n, classes) or of any shape, as `logits_of` returns them.
        y_true: labels (n,), or 0 and 1 in the shape of the logits.
        together: whether the logits of a sample belong to one distribution.
        prior_samples: how many further samples have the targets that a calibrated model expects.
    """
    n = len(logits)
    if together:
        # sums over few classes are faster in this order
        logits = np.subtract(logits.T, logits.mean(axis=1), order="C")
        true = logits[y_true, np.arange(n)].sum() * n / (n + 1)
    else:  # of the logits 0 and z, the mean is z / 2
        true = (n * (logits * y_true).sum() + logits.sum() / 2) / (n + 1)
    if prior_samples:
        expected, _ = _derivatives(logits, 1.0, together)
        true = (n * true + prior_samples * expected) / (n + prior_samples)
    inverse, low, high = 1.0, 1 / HOTTEST, 1 / COLDEST
    for _ in range(MOST_STEPS):
        slope, curvature = _derivatives(logits, inverse, together)
        slope -= true
        if slope == 0 or not np.isfinite(slope):
            break
        low, high = (inverse, high) if slope < 0 else (low, inverse)
        step = inverse - slope / curvature if curvature > 0 else low
        last, inverse = inverse, float(step) if low < step < high else sqrt(low * high)
        if abs(inverse - last) <= TOLERANCE * last:
            break
    return 1 / inverse


def _derivatives(logits: Array, inverse: float, together: bool) -> tuple[float, float]:
    """Return the derivatives by 1 / temperature of what normalizes logits, summed over samples.

    Args:
        logits: (classes, n) if the logits of a sample belong to one distribution, else any shape.
        inverse: 1 / temperature.
        together: whether they are.
    """
    if not together:
        p = probabilities_of(logits * inverse, together)
        weighted = p * logits
        return float(weighted.sum()), float((weighted * logits * (1 - p)).sum())
    powers = logits * inverse
    powers -= powers.max(axis=0)
    np.exp(powers, out=powers)
    sums, powers = powers.sum(axis=0), np.multiply(powers, logits, out=powers)
    means = powers.sum(axis=0) / sums
    squares = np.multiply(powers, logits, out=powers).sum(axis=0) / sums
    return float(means.sum()), float((squares - means**2).sum())
