"""What a loss promises: its gradient, each sample's own loss, numbers that stay finite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.testing.benches.loss_bench import LossBench, LossData
from declnet.testing.benches.loss_data import (
    NEVER_NEGATIVE,
    SAMPLES,
    data_for,
    shapes_of,
    sort_for,
)
from declnet.testing.check import check
from declnet.testing.comparison import difference
from declnet.testing.failures import CheckFailed
from declnet.testing.numeric_gradient import Draw, Function, require_gradient
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

LARGEST = 1e4
"""Magnitude of predictions for which losses and gradients must be finite."""

REPEATS = np.arange(SAMPLES) % 3 + 1
"""How often each sample is repeated, which must do what such weights do."""


@check
def gradient_of_predictions(subject: Subject) -> None:
    """Fills `dy_pred` with each loss's gradient by its own prediction, not divided by n."""
    for shape in shapes_of(subject):
        require_gradient(_draw(subject, shape), f"dy_pred for predictions of shape {shape}")


@check
def treats_samples_apart(subject: Subject) -> None:
    """Computes each sample's loss and gradient from that sample alone."""
    for shape in shapes_of(subject):
        bench = LossBench(subject.instance, shape, USUAL.but(capacity=SAMPLES))
        data, other = data_for(subject, shape, 0), data_for(subject, shape, 1)
        before = bench.run(data)
        y_pred, y = data.y_pred.copy(), data.y.copy()
        y_pred[2], y[2] = other.y_pred[2], other.y[2]
        rest = [index for index in range(SAMPLES) if index != 2]
        changed, few = bench.run(LossData(y_pred, y)), bench.run(data.first(4))
        for name, old, new, short in zip(("losses", "dy_pred"), before, changed, few, strict=True):
            fault = difference(new[rest], old[rest])
            if fault:
                raise CheckFailed(
                    f"{name} of other samples changes with one sample: {fault}; reduce over the "
                    "prediction's own axes only"
                )
            fault = difference(short, old[:4])
            if fault:
                raise CheckFailed(
                    f"{name} depends on the number of samples: {fault}; do not divide by n, the "
                    "graph takes the mean"
                )


@check
def weighs_as_repetition(subject: Subject) -> None:
    """Gives for repeated samples the mean and the gradients that weights would give."""
    for shape in shapes_of(subject):
        data = data_for(subject, shape)
        bench = LossBench(subject.instance, shape, USUAL.but(capacity=SAMPLES))
        losses, dy_pred = bench.run(data)
        total = int(REPEATS.sum())
        repeated = LossData(np.repeat(data.y_pred, REPEATS, axis=0), np.repeat(data.y, REPEATS, 0))
        many = LossBench(subject.instance, shape, USUAL.but(capacity=total)).run(repeated)
        mean = np.array([np.sum(REPEATS * losses) / total])
        faults = {
            "the mean loss": difference(np.array([many[0].mean()]), mean),
            "dy_pred": difference(many[1], np.repeat(dy_pred, REPEATS, axis=0)),
        }
        for name, fault in faults.items():
            if fault:
                raise CheckFailed(f"{name} of repeated samples is not that of weights: {fault}")


@check
def stays_finite(subject: Subject) -> None:
    """Gives finite losses and gradients for predictions of any magnitude up to 1e4."""
    for shape in shapes_of(subject):
        data = data_for(subject, shape)
        for dtype in ("float64", "float32"):
            bench = LossBench(subject.instance, shape, USUAL.but(capacity=SAMPLES, dtype=dtype))
            for what, y_pred in _extremes(subject, shape, data):
                for name, array in zip(
                    ("losses", "dy_pred"), bench.run(data.but(y_pred)), strict=True
                ):
                    count = int(np.count_nonzero(~np.isfinite(array)))
                    if count:
                        raise CheckFailed(
                            f"{count} of {array.size} elements of {name} are not finite for "
                            f"{what} in {dtype}; clip, or use a form that does not overflow"
                        )


CHECKS = (gradient_of_predictions, treats_samples_apart, weighs_as_repetition, stays_finite)


def _draw(subject: Subject, shape: Shape) -> Draw:
    def draw(seed: int) -> tuple[Function, Array, Array]:
        data = data_for(subject, shape, seed)
        bench = LossBench(subject.instance, shape, USUAL.but(capacity=SAMPLES))
        factors = np.random.default_rng([seed, 13]).uniform(0.5, 1.5, SAMPLES)
        columns = factors.reshape(-1, *(1 for _ in shape))
        gradient = bench.run(data)[1] * columns

        def weighted_sum(y_pred: Array) -> float:
            bench.place(data.but(y_pred))
            return float(np.sum(bench.forward() * factors))

        return weighted_sum, data.y_pred, gradient

    return draw


def _extremes(subject: Subject, shape: Shape, data: LossData) -> Iterator[tuple[str, Array]]:
    signs = np.random.default_rng(31).choice([-1.0, 1.0], data.y_pred.shape)
    if sort_for(subject, shape) in NEVER_NEGATIVE:
        signs = np.abs(signs)
    for magnitude in (1.0, 100.0, LARGEST):
        yield f"predictions of magnitude {magnitude:g}", magnitude * signs
    if subject.instance.targets != "values":
        yield "predictions of exactly 0", np.zeros_like(signs)
        yield "predictions of exactly 1", np.ones_like(signs)
        yield "predictions of exactly 0 and 1", (signs > 0).astype(float)
