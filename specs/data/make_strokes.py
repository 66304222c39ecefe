"""Makes strokes.npz: 1500 made-up strokes of a pen, `python specs/data/make_strokes.py`.

Five shapes are drawn at an uneven speed in 16 to 48 steps, from a random point on, each rotated,
mirrored and stretched at random. `x` (1500, 48, 2) has the movement of each step, to the right and
up, in hundredths of the shape's size, with noise; it is 0 after the last step. `lengths` has the
numbers of steps, `y` the shapes. As with real gestures, the meaning is in the order of the steps,
and lengths differ.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SAMPLES, SHORTEST, LONGEST = 1500, 16, 48
NOISE = 1.5
"""Standard deviation of the noise of each step, in hundredths."""


def polygon(corners: int) -> Callable[[Array], Array]:
    """Return a regular polygon as a function from [0, 1] to the plane."""
    angles = 2 * np.pi * np.arange(corners + 1) / corners
    at = np.linspace(0, 1, corners + 1)
    return lambda s: np.stack(
        [np.interp(s, at, np.cos(angles)), np.interp(s, at, np.sin(angles))], axis=1
    )


def _curve(x: Callable[[Array], Array], y: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda s: np.stack([x(2 * np.pi * s), y(2 * np.pi * s)], axis=1)


FIGURES = (
    _curve(np.cos, np.sin),  # a circle
    _curve(np.sin, lambda a: np.sin(2 * a) / 1.5),  # an eight
    _curve(lambda a: np.cos(a) ** 3, lambda a: np.sin(a) ** 3),  # a star of four points
    polygon(3),
    polygon(4),
)


def stroke(figure: Callable[[Array], Array], rng: np.random.Generator) -> Array:
    """Return the movements of one stroke, (steps, 2)."""
    steps = int(rng.integers(SHORTEST, LONGEST + 1))
    pauses = rng.gamma(4, size=steps)
    s = np.concatenate([[0.0], np.cumsum(pauses)]) / pauses.sum()
    places = figure((s + rng.uniform()) % 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.diag(rng.uniform(0.8, 1.2, 2) * rng.choice([-1, 1], 2))
    moves = 100 * np.diff(places @ stretch @ turn, axis=0)
    return np.asarray(moves + rng.normal(0, NOISE, moves.shape))


def arrays(seed: int = 0) -> dict[str, npt.NDArray[np.int8]]:
    """Return the arrays of the file."""
    rng = np.random.default_rng(seed)
    y = rng.integers(len(FIGURES), size=SAMPLES)
    strokes = [stroke(FIGURES[label], rng) for label in y]
    x = np.zeros((SAMPLES, LONGEST, 2), np.int8)
    for row, moves in zip(x, strokes, strict=True):
        row[: len(moves)] = np.clip(np.rint(moves), -127, 127)
    lengths = np.array([len(moves) for moves in strokes], np.int8)
    return {"x": x, "lengths": lengths, "y": y.astype(np.int8)}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_name("strokes.npz"), **arrays())  # type: ignore[arg-type]
