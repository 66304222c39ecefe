"""Checks on initializers: they fill every element, finite, from the given stream."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from math import prod

import numpy as np

from declnet import Array, Initializer, Shape
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, calling, check, checks_in
from declnet.testing.checks import common
from declnet.testing.comparison import CLOSE_IN_FLOAT32, difference, same
from declnet.testing.grid import VALUES
from declnet.testing.trial import SAMPLES, USUAL, Setting, Trial, poison, tried
from declnet.testing.watched import call_locked

SHAPES: tuple[Shape, ...] = (
    *((5,), (1,), (12,)),
    *((4, 3), (3, 4), (3, 3), (1, 4), (4, 1)),
    *((3, 2, 4), (1, 4, 2)),
    *((2, 3, 3, 2), (3, 1, 2, 4)),
)
"""Biases, matrices high and wide, and weights of convolutions."""

REARRANGED: tuple[Shape, ...] = ((4, 6), (6, 4), (24,), (2, 3, 4), (2, 2, 2, 3))
FANS = (4, 3)
"""Shapes of as many numbers, and the fans of all of them."""

FEW = 4
"""Random numbers have more magnitudes."""


def filled(subject: Subject, w: Array, seed: int, fans: tuple[int, int] | None = None) -> Array:
    """Fill a parameter; raise CheckSkipped if the initializer refuses its shape."""
    fan_in = prod(w.shape[:-1]) if w.ndim > 1 else w.size
    fans = fans or (fan_in, w.size // (w.shape[-2] if w.ndim > 1 else 1))
    with calling(f"fill for shape {w.shape}", skips=ValueError):
        subject.instance.fill(w, np.random.Generator(np.random.PCG64(seed)), *fans)
    return w


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Fill a parameter of each shape that the initializer accepts, and adapt it to batches."""
    trial = Trial()
    for shape in SHAPES:
        w = np.empty(shape, setting.dtype)
        poison(w, setting.poison)
        try:
            trial.outputs[f"w of shape {shape}"] = filled(subject, w, setting.seed)
        except CheckSkipped:
            continue
        if type(subject.instance).adapt is not Initializer.adapt:
            for values, x in _batches(w):
                name = f"w of shape {shape}, adapted to {values}"
                trial.outputs[name] = _adapted(subject, w.copy(), x, setting.seed)
    if not trial.outputs:
        raise CheckFailed(f"fill raises a ValueError for all of {SHAPES}")
    return trial


def _batches(w: Array) -> Iterator[tuple[str, Array]]:
    """Yield batches for a layer with these weights."""
    x = np.random.default_rng(11).normal(1.0, 2.0, (SAMPLES, len(w))).astype(w.dtype)
    yield "a batch", x
    yield "one sample", x[:1]
    yield "equal samples", np.repeat(x[:1], SAMPLES, axis=0)
    for values in ("zeros", "tiny numbers", "numbers of ±1000"):
        yield values, VALUES[values](x)


def _adapted(subject: Subject, w: Array, x: Array, seed: int) -> Array:
    """Adapt w in a layer y = x + w if w has one axis, else y = x @ w with other axes joined."""

    def forward() -> Array:
        y: Array = x + w if w.ndim == 1 else x @ w.reshape(len(w), -1)
        y.flags.writeable = False
        return y

    rng = np.random.Generator(np.random.PCG64(seed))
    adapt = partial(subject.instance.adapt, w, x, forward, rng)
    call_locked(f"adapt for shape {w.shape}", adapt, {"x": x})
    return w


@check
def fills_alike_in_both_float_types(subject: Subject) -> None:
    """Gives finite values for every shape, stream and batch, alike in both float types."""
    for seed in range(3):
        exact = tried(subject, USUAL.but(seed=seed)).outputs
        for name, array in tried(subject, USUAL.but(seed=seed, dtype="float32")).outputs.items():
            if not (np.isfinite(exact[name]).all() and np.isfinite(array).all()):
                raise CheckFailed(f"{name} has values that are NaN or infinite")
            if difference(array, exact[name], CLOSE_IN_FLOAT32) is None:
                continue
            ratio = float(array.astype(float).std()) / max(float(exact[name].std()), 1e-30)
            if not 1 / 5 < ratio < 5:
                raise CheckFailed(f"{name} in float32 has {ratio:.3g} times float64's spread")


@check
def fills_every_shape(subject: Subject) -> None:
    """Fills each shape of as many axes as another that it fills, or refuses it with a reason."""
    filled_axes, faults = set[int](), dict[int, CheckSkipped]()
    for shape in SHAPES:
        try:
            filled(subject, np.empty(shape), 0)
            filled_axes.add(len(shape))
        except CheckSkipped as refusal:
            if not _is_raised(refusal.__cause__):
                faults[len(shape)] = refusal
    for axes in filled_axes & faults.keys():
        advice = "fill it, or raise a ValueError that says why not"
        raise CheckFailed(f"{faults[axes]}, while other shapes are filled; {advice}")


@check
def draws_from_its_stream(subject: Subject) -> None:
    """Gives other numbers for another random stream, unless they follow from their places."""
    rearranged = list[Array]()
    for shape in REARRANGED:
        with suppress(CheckSkipped):
            first, second = (filled(subject, np.empty(shape), seed, FANS) for seed in (0, 1))
            if not same(first, second):
                return
            rearranged.append(first.ravel() / max(float(np.abs(first).max()), 1e-30))
    if len(rearranged) < 2 or not all(np.allclose(rearranged[0], w) for w in rearranged):
        return
    steps = np.sign(np.diff(rearranged[0]))
    if len(np.unique(np.abs(rearranged[0]))) > FEW and len(np.unique(steps)) > 1:
        raise CheckFailed("its random numbers are the same for each stream; draw them from the rng")


CHECKS = (
    *common.USED_ONCE,
    common.writes_every_output,
    common.overwrites_outputs,
    *checks_in(globals()),
)


def _is_raised(error: BaseException | None) -> bool:
    """Return whether an error comes from a raise statement outside of NumPy."""
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return False
    frame = traceback.tb_frame
    instruction = dis.opname[frame.f_code.co_code[traceback.tb_lasti]]
    is_of_numpy = str(frame.f_globals.get("__name__")).startswith("numpy")
    return instruction == "RAISE_VARARGS" and not is_of_numpy
