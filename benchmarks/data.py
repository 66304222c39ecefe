"""The data and the initial weights of a work: made once, from one seed, and read by every peer."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from works import Work

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Weights = dict[str, Floats]  # "dense_1.weights" (inputs, units), "dense_1.biases" (units,), …

DATA_FILE = "data.npz"  # arrays x (samples, features) float32, y (samples,) int64
WEIGHTS_FILE = "initial.npz"  # arrays named as in Weights


def write_files(work: Work, seed: int, folder: Path) -> None:
    """Write the work's samples and initial weights to `folder`, which every peer reads."""
    rng = np.random.default_rng(seed)
    x, y = spiral(work, rng) if work.data == "spiral" else linear(work, rng)
    np.savez(folder / DATA_FILE, x=x, y=y)
    arrays: dict[str, Any] = {**initial_weights(work, rng)}
    np.savez(folder / WEIGHTS_FILE, **arrays)


def read_data(folder: Path) -> tuple[Floats, Labels]:
    """The samples and labels that `write_files` wrote."""
    with np.load(folder / DATA_FILE, allow_pickle=False) as arrays:
        return arrays["x"], arrays["y"]


def read_weights(folder: Path) -> Weights:
    """The initial weights that `write_files` wrote, in the order of the layers."""
    with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def spiral(work: Work, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Intertwined spirals in the plane, as many as the network has classes."""
    classes = work.dense[-1].units
    y = np.repeat(np.arange(classes, dtype=np.int64), work.samples // classes)
    radius = np.tile(np.linspace(0.0, 1.0, work.samples // classes), classes)
    angle = 2.5 * (4.0 * (y + radius) + 0.2 * rng.standard_normal(work.samples))
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return x.astype(np.float32), y


def linear(work: Work, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Normal features; the label is the largest of as many noisy random projections."""
    features, classes = work.dense[0].inputs, work.dense[-1].units
    x = rng.standard_normal((work.samples, features))
    scores = x @ rng.standard_normal((features, classes)) / np.sqrt(features)
    y = np.argmax(scores + 0.3 * rng.standard_normal(scores.shape), axis=1)
    return x.astype(np.float32), y.astype(np.int64)


def initial_weights(work: Work, rng: np.random.Generator) -> Weights:
    """Glorot-uniform weights, biases of zero."""
    weights: Weights = {}
    for number, layer in enumerate(work.dense, start=1):
        limit = np.sqrt(6.0 / (layer.inputs + layer.units))
        drawn = rng.uniform(-limit, limit, (layer.inputs, layer.units))
        weights[f"dense_{number}.weights"] = drawn.astype(np.float32)
        weights[f"dense_{number}.biases"] = np.zeros(layer.units, np.float32)
    return weights
