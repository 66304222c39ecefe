"""The data and initial weights of a work: made once, from one seed, and read by every peer."""

from collections.abc import Callable
from math import isqrt, prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from works.layers import Embedding
from works.work import Work

Floats = NDArray[np.floating[Any]]  # of the type of the work
Samples = NDArray[Any]  # the same, or int32 for tokens
Labels = NDArray[Any]  # int64 (samples,), or values (samples, units) as Floats
Weights = dict[str, Floats]  # "dense_1.weights" (inputs, units), "dense_1.biases" (units,), …

DATA_FILE = "data.npz"  # arrays x (samples, *shape) and y, as Samples and Labels
VALIDATION_FILE = "validation.npz"  # the same for the first quarter of the samples
WEIGHTS_FILE = "initial.npz"  # arrays named as in Weights
POWERS = 60  # terms of a matrix exponential, enough for norms of up to 10


def write_files(work: Work, seed: int, folder: Path) -> None:
    """Write the work's samples and initial weights to `folder`, for every peer to read."""
    rng = np.random.default_rng(seed)
    x, y = (rounded(array, work) for array in MAKERS[work.data](work, rng))
    np.savez(folder / DATA_FILE, x=x, y=y)
    quarter = slice(work.samples // 4)
    np.savez(folder / VALIDATION_FILE, x=x[quarter], y=y[quarter])
    weights = initial_weights(work, rng)
    arrays: dict[str, Any] = {name: rounded(array, work) for name, array in weights.items()}
    np.savez(folder / WEIGHTS_FILE, **arrays)


def read_data(folder: Path, file: str = DATA_FILE) -> tuple[Samples, Labels]:
    """Return the samples and labels that `write_files` wrote."""
    with np.load(folder / file, allow_pickle=False) as arrays:
        return arrays["x"], arrays["y"]


def read_weights(folder: Path) -> Weights:
    """Return the initial weights that `write_files` wrote, in the order of the layers."""
    with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def rounded(array: NDArray[Any], work: Work) -> NDArray[Any]:
    """Return an array in the type of the work, unless it has integers."""
    return array.astype(work.dtype) if array.dtype.kind == "f" else array


def spiral(work: Work, rng: np.random.Generator) -> tuple[Samples, Labels]:
    """Return intertwined spirals in the plane, one for each class."""
    classes = work.classes
    y = np.repeat(np.arange(classes, dtype=np.int64), work.samples // classes)
    radius = np.tile(np.linspace(0.0, 1.0, work.samples // classes), classes)
    angle = 2.5 * (4.0 * (y + radius) + 0.2 * rng.standard_normal(work.samples))
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return x, y


def linear(work: Work, rng: np.random.Generator) -> tuple[Samples, Labels]:
    """Return normal features; the label is the largest of as many noisy random projections."""
    features, classes = prod(work.sample_shape), work.classes
    x = rng.standard_normal((work.samples, features))
    scores = x @ rng.standard_normal((features, classes)) / sqrt(features)
    y = np.argmax(scores + 0.3 * rng.standard_normal(scores.shape), axis=1)
    return x.reshape(-1, *work.sample_shape), y.astype(np.int64)


def tokens(work: Work, rng: np.random.Generator) -> tuple[Samples, Labels]:
    """Return integers; each scores the classes by its position, the highest total is the label."""
    (length,), (embedding,) = (
        work.sample_shape,
        [layer for layer in work.layers if isinstance(layer, Embedding)],
    )
    x = rng.integers(0, embedding.categories, (work.samples, length), dtype=np.int32)
    says = rng.standard_normal((length, embedding.categories, work.classes))
    y = says[np.arange(length), x].sum(axis=1).argmax(axis=1)
    return x, y.astype(np.int64)


def exponentials(work: Work, rng: np.random.Generator) -> tuple[Samples, Labels]:
    """Return normal square matrices and their exponentials, both as rows of numbers.

    Source: the example of SimpleChains.jl, `exp` of 2×2 matrices.
    """
    x = rng.standard_normal((work.samples, *work.sample_shape))
    size = isqrt(prod(work.sample_shape))
    matrices = x.reshape(-1, size, size)
    y = term = np.broadcast_to(np.eye(size), matrices.shape)
    for power in range(1, POWERS):
        term = term @ matrices / power
        y = y + term
    return x, y.reshape(x.shape)


MAKERS: dict[str, Callable[[Work, np.random.Generator], tuple[Samples, Labels]]] = {
    "spiral": spiral,
    "linear": linear,
    "tokens": tokens,
    "exponentials": exponentials,
}
"""How to make the samples and labels of a work, by the name of its data."""


def initial_weights(work: Work, rng: np.random.Generator) -> Weights:
    """Return Glorot-uniform weights, zero biases and scales of 1; embeddings are normal."""
    weights: Weights = {}
    for layer_name, layer in work.named_layers:
        for name, shape in layer.parameters.items():
            weights[f"{layer_name}.{name}"] = initial(layer.kind, name, shape, rng)
    return weights


def initial(kind: str, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return the initial values of one array."""
    if name == "scale":
        return np.ones(shape)
    if name.endswith(("biases", "offset")):
        return np.zeros(shape)
    if kind == "embedding":
        return rng.standard_normal(shape)
    limit = sqrt(6.0 / ((shape[0] + shape[1]) * prod(shape[2:])))
    return rng.uniform(-limit, limit, shape)
