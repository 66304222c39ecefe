"""Checks on initializers: they fill every element, finite, from the given stream."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import partial
from math import prod
from traceback import walk_tb

import numpy as np

from declnet import Array, Initializer, Shape
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, calling, check, require
from declnet.testing.checks import common
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, same
from declnet.testing.trial import SAMPLES, USUAL, VALUES, Setting, Trial, poison, tried
from declnet.testing.watched import call_locked

SHAPES: tuple[Shape, ...] = (
    *((5,), (24,), (4, 3), (3, 4), (3, 3), (1, 4), (4, 1), (4, 6), (6, 4)),
    *((2, 3, 4), (1, 4, 2), (2, 3, 3, 2), (3, 1, 2, 4)),
)
"""Biases, matrices high and wide, and weights of convolutions."""

MANY, FEW = 24, 4
"""The size of several of these, and how many magnitudes random numbers exceed."""


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fill a parameter of each shape that the initializer accepts, and adapt it to batches.

    Raises CheckFailed if it fails for a shape with as many axes as another that it fills.
    """
    trial, faults, filled = Trial(), dict[int, CheckSkipped](), set[int]()
    for shape in SHAPES:
        w = np.empty(shape, setting.dtype)
        poison(w, setting.spoiled)
        rng = np.random.Generator(np.random.PCG64(setting.seed))
        fans = (prod(shape[:-1]), w.size // shape[-2]) if w.ndim > 1 else (w.size, w.size)
        try:
            with calling(f"fill for shape {shape}", skips=ValueError):
                subject.instance.fill(w, rng, *fans)
        except CheckSkipped as refusal:
            if not _is_raised(refusal.__cause__):
                faults[len(shape)] = refusal
            continue
        filled.add(len(shape))
        trial.outputs[f"w of shape {shape}"] = w
        if type(subject.instance).adapt is not Initializer.adapt:
            for values, x in _batches(w):
                name = f"w of shape {shape}, adapted to {values}"
                trial.outputs[name] = _adapted(subject, w.copy(), x, rng)
    for axes in faults.keys() & filled:
        fault = f"{faults[axes]}, while other shapes of {axes} axes are filled"
        raise CheckFailed(f"{fault}; fill it, or raise a ValueError that says why not", fault)
    require(filled, f"fill raises a ValueError for all of {SHAPES}")
    return trial


def _batches(w: Array) -> Iterator[tuple[str, Array]]:
    """Yield batches for a layer with these weights."""
    x = np.random.default_rng(11).normal(1.0, 2.0, (SAMPLES, len(w))).astype(w.dtype)
    yield "a batch", x
    yield "one sample", x[:1]
    yield "equal samples", np.repeat(x[:1], SAMPLES, axis=0)
    for values in ("zeros", "tiny numbers", "numbers of ±1000"):
        yield values, VALUES[values](x)


def _adapted(subject: Subject, w: Array, x: Array, rng: np.random.Generator) -> Array:
    """Adapt w in a layer y = x + w if w has one axis, else y = x @ w with other axes joined."""

    def forward() -> Array:
        y: Array = x + w if w.ndim == 1 else x @ w.reshape(len(w), -1)
        y.flags.writeable = False
        return y

    adapt = partial(subject.instance.adapt, w, x, forward, rng)
    call_locked(f"adapt for shape {w.shape}", adapt, {"x": x})
    return w


@check
def fills_alike_in_both_float_types(subject: Subject) -> None:
    """Gives finite values for every shape, stream and batch, alike in both float types."""
    for seed in range(3):
        exact = tried(subject, USUAL.but(seed=seed)).outputs
        for name, array in tried(subject, USUAL.but(seed=seed, dtype="float32")).outputs.items():
            is_finite = np.isfinite(exact[name]).all() and np.isfinite(array).all()
            require(is_finite, f"{name} has values that are NaN or infinite")
            if difference(array, exact[name], CLOSE_IN_FLOAT32) is not None:
                ratio = float(array.astype(float).std()) / max(float(exact[name].std()), 1e-30)
                fault = f"{name} in float32 has {ratio:.3g} times float64's spread"
                require(1 / 5 < ratio < 5, fault)


@check
def draws_from_its_stream(subject: Subject) -> None:
    """Draws its random numbers from the stream that it receives, so that streams differ."""
    first, second = (tried(subject, USUAL.but(seed=seed)).outputs for seed in range(2))
    numbers = [w.ravel() / (np.abs(w).max() or 1) for w in first.values() if w.size == MANY]
    if len(numbers) > 1 and all(same(first[name], second[name]) for name in first):
        directions = np.unique(np.sign(np.diff(numbers[0])))
        is_irregular = len(np.unique(np.abs(numbers[0]))) > FEW and len(directions) > 1
        if is_irregular and all(np.allclose(numbers[0], others) for others in numbers):
            raise CheckFailed("its random numbers are the same for each stream; draw from the rng")


CHECKS = (*common.USED_ONCE, common.writes_every_output, *checking.checks_in(globals()))


def _is_raised(error: BaseException | None) -> bool:
    """Return whether an error comes from a raise statement outside of NumPy."""
    if error is None:
        return False
    frame = [frame for frame, _ in walk_tb(error.__traceback__)][-1]
    instruction = dis.opname[frame.f_code.co_code[frame.f_lasti]]
    is_of_numpy = str(frame.f_globals.get("__name__")).startswith("numpy")
    return instruction == "RAISE_VARARGS" and not is_of_numpy
