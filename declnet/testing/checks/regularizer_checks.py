"""What a regularizer promises: a penalty and its gradient, added."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError

from declnet.components.arrays import Array
from declnet.testing.benches.plain_benches import PARAMETER_SHAPES, weights
from declnet.testing.check import check
from declnet.testing.comparison import difference
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.numeric_gradient import Function, require_gradient
from declnet.testing.subjects import Subject


@check
def gradient_of_penalty(subject: Subject) -> None:
    """Adds the gradient of its penalty."""
    for shape in PARAMETER_SHAPES:

        def draw(seed: int, shape: tuple[int, ...] = shape) -> tuple[Function, Array, Array]:
            w = weights(shape, seed)
            return _penalty(subject), w, _gradient(subject, w, np.zeros(shape))

        require_gradient(draw, f"the gradient for w of shape {shape}")


@check
def adds_to_the_gradient(subject: Subject) -> None:
    """Adds to `dw` what it adds to zeros, and overwrites nothing."""
    for shape in PARAMETER_SHAPES:
        w = weights(shape)
        before = np.random.default_rng(37).normal(size=shape)
        fault = difference(
            _gradient(subject, w, before) - before, _gradient(subject, w, np.zeros(shape))
        )
        if fault:
            raise CheckFailed(
                f"what it adds depends on what dw holds: {fault}; add with np.add(dw, …, out=dw)"
            )


@check
def penalty_is_a_finite_number(subject: Subject) -> None:
    """Gives a finite penalty and gradient, for zeros too."""
    for shape in PARAMETER_SHAPES:
        for w in (weights(shape), np.zeros(shape), 1e4 * weights(shape)):
            gradient = _gradient(subject, w, np.zeros(shape))
            if not np.isfinite(_penalty(subject)(w)) or not np.isfinite(gradient).all():
                raise CheckFailed(
                    f"penalty or gradient is not finite for w of magnitude {np.abs(w).max():g}"
                )


@check
def strength_zero_does_nothing(subject: Subject) -> None:
    """Gives no penalty and no gradient where its strength is 0."""
    instance = subject.instance
    fields = type(instance).model_fields
    numbers = [name for name in fields if isinstance(getattr(instance, name), float)]
    named = "strength" in numbers
    zeros = dict.fromkeys(["strength"] if named else numbers, 0.0)
    if not zeros:
        raise CheckSkipped("it has no field that is a number")
    try:
        none = type(instance).model_validate({**dict(instance), **zeros})
    except ValidationError as error:
        raise CheckSkipped(f"{', '.join(zeros)} cannot be 0") from error
    without = Subject(none, subject.example, subject.registry)
    for shape in PARAMETER_SHAPES:
        w = weights(shape)
        found = _penalty(without)(w), float(np.abs(_gradient(without, w, np.zeros(shape))).max())
        if not np.isfinite(found).all() and not named:
            raise CheckSkipped(f"it is not defined where {', '.join(zeros)} are 0")
        if found != (0, 0):
            raise CheckFailed(
                f"with {', '.join(zeros)} = 0 the penalty is {found[0]:g} and the gradient up to "
                f"{found[1]:g}"
            )


CHECKS = (
    gradient_of_penalty,
    adds_to_the_gradient,
    penalty_is_a_finite_number,
    strength_zero_does_nothing,
)


def _penalty(subject: Subject) -> Function:
    def penalty(w: Array) -> float:
        with calling("penalty"):
            return float(subject.instance.penalty(w.copy()))

    return penalty


def _gradient(subject: Subject, w: Array, before: Array) -> Array:
    dw = before.copy()
    with calling("add_gradient"):
        subject.instance.add_gradient(w.copy(), dw)
    return dw
