"""Temperature scaling: p = softmax(log(p) / temperature), sigmoid(logit(p) / temperature)."""

from collections.abc import Sequence
from math import isfinite, sqrt

import numpy as np

from declnet import Array

LEAST_POSITIVE = float(np.finfo(np.float32).tiny)
"""Lower numbers, which float32 turns into 0, count as this before their logarithm is taken."""

LEAST_REST = float(np.finfo(np.float32).epsneg) / 2
"""The same for 1 - p, with p the probability of the second of two classes."""

COLDEST, HOTTEST = 1e-2, 1e2
"""The range of temperatures."""

TOLERANCE = 1e-6
"""Relative change of 1 / temperature that ends the search. The loss changed by about its square,
and Newton's next step would be about that small."""

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

    Args:
        logits: of at least one sample, (n, classes) or of any shape, as `logits_of` returns them.
        y_true: labels (n,), or 0 and 1 in the shape of the logits.
        together: whether the logits of a sample belong to one distribution.
        prior_samples: how many further samples have the targets that a calibrated model expects.
    """
    samples = np.ones((1, len(logits)))
    return float(fitted_temperatures(logits, y_true, together, samples, prior_samples)[0])


def fitted_temperatures(
    logits: Array, y_true: Array, together: bool, samples: Array, prior_samples: float = 0.0
) -> Array:
    """Return the temperature with the lowest log loss of each of some sets of the samples.

    Targets are smoothed, n / (n + 1) for the class of a sample and the rest for all classes alike,
    so that the temperature of a model without an error on n samples is not 0. The loss is convex
    in 1 / temperature: Newton's method finds where its derivative is 0, and halves the range of
    log(1 / temperature) where a step would leave it. Logits that are all equal have no best
    temperature, and get 1.

    Args:
        logits: as for `fitted_temperature`.
        y_true: as for `fitted_temperature`.
        together: as for `fitted_temperature`.
        samples: 1 for the samples (n,) in each set, else 0, (sets, n).
        prior_samples: as for `fitted_temperature`.
    """
    n, counts = len(logits), samples.sum(axis=1)
    if together:
        # sums over few classes are faster in this order
        logits = np.subtract(logits.T, logits.mean(axis=1), order="C")
        true = samples @ logits[y_true, np.arange(n)] * counts / (counts + 1)
    else:  # of the logits 0 and z, the mean is z / 2
        logits, y_true = logits.reshape(n, -1).T, y_true.reshape(n, -1).T
        of_truth, middles = (logits * y_true).sum(axis=0), logits.sum(axis=0) / 2
        true = (counts * (samples @ of_truth) + samples @ middles) / (counts + 1)
    inverse = [1.0] * len(samples)
    if prior_samples:
        expected, _ = _derivatives(logits, inverse, together, samples)
        true = (counts * true + prior_samples * expected) / (counts + prior_samples)
    bounds, searched = [(1 / HOTTEST, 1 / COLDEST)] * len(samples), [*range(len(samples))]
    for _ in range(MOST_STEPS):
        slopes, curvatures = _derivatives(logits, inverse, together, samples)
        for number, slope in enumerate((slopes - true).tolist()):
            if number not in searched:
                continue
            (low, high), last = bounds[number], inverse[number]
            if slope == 0 or not isfinite(slope):
                searched.remove(number)
                continue
            low, high = bounds[number] = (last, high) if slope < 0 else (low, last)
            curvature = float(curvatures[number])
            step = last - slope / curvature if curvature > 0 else low
            inverse[number] = step if low < step < high else sqrt(low * high)
            if abs(inverse[number] - last) <= TOLERANCE * last:
                searched.remove(number)
        if not searched:
            break
    return 1 / np.array(inverse)


def _derivatives(
    logits: Array, inverse: Sequence[float], together: bool, samples: Array
) -> tuple[Array, Array]:
    """Return the derivatives by 1 / temperature of what normalizes logits, summed over samples.

    Args:
        logits: (classes, n) if the logits of a sample belong to one distribution, else (units, n).
        inverse: 1 / temperature of each set of samples.
        together: whether they are.
        samples: as for `fitted_temperatures`.
    """
    powers = np.multiply.outer(inverse, logits)
    if not together:
        p = probabilities_of(powers, together)
        weighted = p * logits
        slopes, curvatures = weighted.sum(axis=1), (weighted * logits * (1 - p)).sum(axis=1)
    else:
        powers -= powers.max(axis=1, keepdims=True)
        np.exp(powers, out=powers)
        sums, powers = powers.sum(axis=1), np.multiply(powers, logits, out=powers)
        slopes = powers.sum(axis=1) / sums
        squares = np.multiply(powers, logits, out=powers).sum(axis=1) / sums
        curvatures = squares - slopes**2
    return (slopes * samples).sum(axis=1), (curvatures * samples).sum(axis=1)
