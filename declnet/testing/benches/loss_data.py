"""Predictions and targets that fit what a loss declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.loss import Loss
from declnet.testing.benches.loss_bench import LossBench, LossData
from declnet.testing.failures import CheckFailed, CheckSkipped
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

SAMPLES = 10
"""Samples that are drawn; a setting takes the first of them."""

USUAL_SHAPES: dict[str, tuple[Shape, ...]] = {
    "values": ((1,), (3,), (2, 3)),
    "binary": ((1,), (3,), (2, 3)),
    "classes": ((3,), (5,)),
}
"""Shapes of a prediction, by what the loss takes as targets."""

Draw = Callable[[np.random.Generator, Shape], LossData]
"""Draws predictions and targets of a shape, the sample axis included."""


def _positive(rng: np.random.Generator, shape: Shape) -> Array:
    return np.abs(rng.normal(size=shape)) + 0.1


def _classes(rng: np.random.Generator, shape: Shape) -> LossData:
    scores = np.exp(rng.normal(size=shape))
    labels = rng.permutation(np.arange(shape[0]) % shape[1])
    return LossData(scores / scores.sum(axis=1, keepdims=True), labels)


def _distributions(rng: np.random.Generator, shape: Shape) -> Array:
    """Each sums to 1 over the last axis."""
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


DRAWS: dict[str, dict[str, Draw]] = {
    "values": {
        "normal": lambda rng, shape: LossData(rng.normal(size=shape), rng.normal(size=shape)),
        "positive": lambda rng, shape: LossData(_positive(rng, shape), _positive(rng, shape)),
        "counts": lambda rng, shape: LossData(_positive(rng, shape), rng.integers(0, 5, shape)),
        "signs": lambda rng, shape: LossData(
            rng.normal(size=shape), rng.choice([-1.0, 1.0], shape)
        ),
        "shares": lambda rng, shape: LossData(
            rng.uniform(0.1, 0.9, shape), rng.uniform(0.1, 0.9, shape)
        ),
        "distributions": lambda rng, shape: LossData(
            _distributions(rng, shape), _distributions(rng, shape)
        ),
    },
    "binary": {
        "binary": lambda rng, shape: LossData(
            rng.uniform(0.1, 0.9, shape), rng.integers(0, 2, shape)
        ),
    },
    "classes": {"classes": _classes},
}
"""What to draw by what the loss takes as targets; the first that it takes is used."""

NEVER_NEGATIVE = frozenset({"positive", "counts", "shares", "distributions"})
"""Draws whose predictions are not negative."""


def shapes_of(subject: Subject) -> tuple[Shape, ...]:
    """The shapes of predictions to check with.

    Raises:
        CheckSkipped: `prepare` refuses all of the kit's usual ones.
    """
    shapes = subject.once("shapes", lambda: tuple(_accepted(subject.instance)))
    if not shapes:
        raise CheckSkipped("prepare refuses targets for all usual shapes of predictions")
    return shapes


def data_for(subject: Subject, shape: Shape, seed: int = 0) -> LossData:
    """Random predictions and targets, `SAMPLES` of them, of a sort that the loss takes."""
    return drawn(subject.instance, sort_for(subject, shape), shape, seed)


def sort_for(subject: Subject, shape: Shape) -> str:
    """Which of `DRAWS` the loss takes for a shape of prediction."""
    return subject.once(f"sort {shape}", lambda: sort_of(subject.instance, shape)) or "normal"


def sort_of(loss: Loss, shape: Shape) -> str | None:
    """The first sort of data that `prepare` takes and that gives finite losses, or None.

    If none gives finite losses, it is the first that `prepare` takes.
    """
    taken = [sort for sort in DRAWS.get(loss.targets, ()) if _prepares(loss, sort, shape)]
    finite = (sort for sort in taken if _is_finite(loss, sort, shape))
    return next(finite, taken[0] if taken else None)


def drawn(loss: Loss, sort: str, shape: Shape, seed: int) -> LossData:
    """Random predictions and targets of a sort."""
    return DRAWS[loss.targets][sort](np.random.default_rng([seed, 5]), (SAMPLES, *shape))


def _accepted(loss: Loss) -> Iterator[Shape]:
    for shape in USUAL_SHAPES.get(loss.targets, ()):
        sort = sort_of(loss, shape)
        if sort is not None and (len(shape) == 1 or _takes_axes(loss, sort, shape)):
            yield shape


def _prepares(loss: Loss, sort: str, shape: Shape) -> bool:
    try:
        loss.prepare(drawn(loss, sort, shape, 0).y, shape, np.dtype("float64"))
    except ValueError:
        return False
    except Exception:  # the checks run into it again, and tell
        return True
    return True


def _is_finite(loss: Loss, sort: str, shape: Shape) -> bool:
    bench = LossBench(loss, shape, USUAL.but(capacity=SAMPLES, poison=0.0))
    try:
        bench.place(drawn(loss, sort, shape, 0))
        return bool(np.isfinite(bench.forward()).all())
    except CheckFailed:
        return False


def _takes_axes(loss: Loss, sort: str, shape: Shape) -> bool:
    """Whether it takes predictions of more than one axis, which few losses think of refusing."""
    plain = USUAL.but(capacity=SAMPLES, order="batch_first", input_order="batch_first")
    try:
        LossBench(loss, shape, plain).run(drawn(loss, sort, shape, 0))
    except CheckFailed as failure:
        return not isinstance(failure.__cause__, ValueError)
    return True
