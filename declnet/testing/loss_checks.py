"""What a loss promises: targets, its gradient, each sample's own loss, finite numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from declnet.components.arrays import Array
from declnet.components.loss import Loss
from declnet.components.returned import checked_predictions, checked_targets
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.common_checks import FILLS_ARRAYS, USED_ONCE, leaves_inputs_alone
from declnet.testing.comparison import Function, difference, require_gradient, same
from declnet.testing.harness import call_locked
from declnet.testing.loss_harness import (
    NEVER_NEGATIVE,
    LossHarness,
    Pair,
    batch_of,
    candidate_pairs,
    sort_for,
    working_pairs,
)
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Batch

FLOAT = np.dtype("float64")

LARGEST = 1e4
"""Magnitude of predictions for which losses and gradients must be finite."""

REPEATS = np.arange(SAMPLES) % 3 + 1
"""How often each sample is repeated, which must do what such weights do."""


@check
def takes_usual_predictions(subject: Subject) -> None:
    """Takes targets of its sort for at least one usual shape, and for all of its own."""
    candidates = candidate_pairs(subject.instance)
    try:
        pairs = working_pairs(subject)
    except CheckSkipped as reason:
        shapes, targets = ", ".join(map(str, candidates)), subject.instance.targets
        raise CheckFailed(f"{reason} ({shapes}), with targets of {targets}") from None
    refused = [str(pair) for pair in candidates if pair not in pairs]
    if subject.instance.example_shapes and refused:
        raise CheckFailed(f"prepare refuses its example_shapes: {', '.join(refused)}")


@check
def prepares_what_it_declares(subject: Subject) -> None:
    """Prepares a data set's y without changing it, one target a sample."""
    loss = subject.instance
    for pair in working_pairs(subject):
        y = batch_of(subject, pair).y
        given = y.copy()
        with calling("prepare"):
            checked_targets(loss, loss.prepare(given, pair.shape, FLOAT), len(y))
        if not same(given, y):
            raise CheckFailed("prepare writes to y, which metrics read later; copy it first")


@check
def takes_each_form_of_targets(subject: Subject) -> None:
    """Gives the same for labels as for one-hot rows, and for y (n,) as for y (n, 1)."""
    compared = 0
    for pair in working_pairs(subject):
        batch, harness = batch_of(subject, pair), LossHarness(subject.instance, pair.shape, WHOLE)
        other = _other_form(subject, pair, batch.y)
        if other is None:
            continue
        compared += 1
        first, second = harness.run(batch), harness.run(Batch(batch.x, other))
        for name, array in second.items():
            fault = difference(array, first[name])
            if fault:
                raise CheckFailed(
                    f"{name} for y of shape {other.shape} differs from that for the same targets "
                    f"of shape {batch.y.shape}: {fault}; let prepare bring both to one form"
                )
    if not compared:
        raise CheckSkipped("its targets have one form only")


@check
def refuses_wrong_targets(subject: Subject) -> None:
    """Refuses with a ValueError targets that do not fit, before any step is taken."""
    for pair in working_pairs(subject):
        y, shape = batch_of(subject, pair).y, pair.shape
        if subject.instance.targets == "classes":
            y[0], what = shape[-1], f"the label {shape[-1]} of {shape[-1]} classes"
        elif subject.instance.targets == "binary":
            y[0], what = 2, "a binary target of 2"
        else:
            y, what = np.zeros((len(y), *pair.y, 2)), f"y of shape {(*pair.y, 2)} a sample"
        try:
            with calling(f"prepare of {what}; raise a ValueError that says why: it", ValueError):
                subject.instance.prepare(y, shape, FLOAT)
        except CheckSkipped:
            continue
        raise CheckFailed(f"prepare takes {what} for predictions of shape {shape}; refuse it")


@check
def gradient_of_predictions(subject: Subject) -> None:
    """Fills `dy_pred` with each loss's gradient by its own prediction, not divided by n."""
    for pair in working_pairs(subject):
        require_gradient(partial(_at_random_point, subject, pair), f"dy_pred for {pair}")


@check
def weighs_as_repetition(subject: Subject) -> None:
    """Gives for weighted samples the mean and the gradients that repeating them would give."""
    for pair in working_pairs(subject):
        batch, many = batch_of(subject, pair), USUAL.but(samples=int(REPEATS.sum()))
        repeated = batch.take(np.repeat(np.arange(SAMPLES), REPEATS))
        mean, gradient = LossHarness(subject.instance, pair.shape, WHOLE).weighted(batch, REPEATS)
        wanted, parts = LossHarness(subject.instance, pair.shape, many).weighted(repeated)
        summed = np.add.reduceat(parts, np.cumsum(REPEATS) - REPEATS, axis=0)
        fault = difference(np.array([mean]), np.array([wanted])) or difference(gradient, summed)
        if fault:
            raise CheckFailed(f"weighted samples do not give what repeated ones give: {fault}")


@check
def stays_finite(subject: Subject) -> None:
    """Gives finite losses and gradients for predictions of any magnitude up to 1e4."""
    for pair in working_pairs(subject):
        batch = batch_of(subject, pair)
        for dtype in ("float64", "float32"):
            harness = LossHarness(subject.instance, pair.shape, WHOLE.but(dtype=dtype))
            for what, y_pred in _extremes(subject, pair):
                for name, array in harness.run(batch.with_x(y_pred)).items():
                    count = int(np.count_nonzero(~np.isfinite(array)))
                    if count:
                        raise CheckFailed(
                            f"{count} of {array.size} elements of {name} are not finite for "
                            f"{what} in {dtype}; clip, or use a form that does not overflow"
                        )


@check
def gives_predictions(subject: Subject) -> None:
    """Turns the model's output into predictions, a row each: probabilities, if it takes logits."""
    loss = subject.instance
    for pair in working_pairs(subject):
        (y_pred,) = batch_of(subject, pair).x
        if loss.takes == "logits":
            y_pred = 20 * np.random.default_rng(43).normal(size=y_pred.shape)
        found = call_locked("predictions", partial(_predictions, loss, y_pred), {"y_pred": y_pred})
        if loss.takes != "logits":
            continue
        if not ((found >= 0) & (found <= 1)).all():
            raise CheckFailed(
                f"predictions range from {found.min():.9g} to {found.max():.9g} for {pair}; a loss "
                "that takes logits returns probabilities"
            )
        if loss.targets == "classes" and not np.allclose(found.sum(axis=-1), 1, atol=1e-6):
            raise CheckFailed(f"predictions do not add up to 1 over the classes for {pair}")


CHECKS = (
    takes_usual_predictions,
    prepares_what_it_declares,
    leaves_inputs_alone,
    takes_each_form_of_targets,
    refuses_wrong_targets,
    *USED_ONCE,
    *FILLS_ARRAYS,
    gradient_of_predictions,
    weighs_as_repetition,
    stays_finite,
    gives_predictions,
)


def _predictions(loss: Loss, y_pred: Array) -> Array:
    return checked_predictions(loss, loss.predictions(y_pred), y_pred)


def _at_random_point(subject: Subject, pair: Pair, seed: int) -> tuple[Function, Array, Array]:
    """A weighted sum of the losses as a function of predictions, a point, and its gradient."""
    batch, harness = batch_of(subject, pair, seed), LossHarness(subject.instance, pair.shape, WHOLE)
    factors = np.random.default_rng([seed, 13]).uniform(0.5, 1.5, SAMPLES)
    gradient = harness.run(batch)["dy_pred"] * factors.reshape(-1, *(1 for _ in pair.shape))

    def weighted_sum(y_pred: Array) -> float:
        return float(np.sum(harness.losses(batch.with_x(y_pred)) * factors))

    return weighted_sum, batch.x[0], gradient


def _other_form(subject: Subject, pair: Pair, y: Array) -> Array | None:
    """The same targets in the other form that users have them in, if there is one."""
    if subject.instance.targets == "classes":
        return np.eye(pair.shape[0])[y] if y.ndim == 1 else None
    return y.reshape(-1) if pair.shape == pair.y == (1,) else None


def _extremes(subject: Subject, pair: Pair) -> Iterator[tuple[str, Array]]:
    signs = np.random.default_rng(31).choice([-1.0, 1.0], (SAMPLES, *pair.shape))
    if sort_for(subject, pair) in NEVER_NEGATIVE:
        signs = np.abs(signs)
    for magnitude in (1.0, 100.0, LARGEST):
        yield f"predictions of magnitude {magnitude:g}", magnitude * signs
    if subject.instance.targets != "values":
        yield "predictions of exactly 0", np.zeros_like(signs)
        yield "predictions of exactly 1", np.ones_like(signs)
        yield "predictions of exactly 0 and 1", (signs > 0).astype(float)
