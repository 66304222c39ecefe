"""Networks that are trained many times, once with each of several seeds."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from works.data import DATA_FILE, Floats, Labels, read_data


@dataclass(frozen=True)
class ManyWork:
    """A network of one hidden layer with relu, softmax and cross-entropy, trained by Adam.

    Weights are Glorot-uniform; where there are mini-batches, each epoch shuffles the samples.

    Attributes:
        name: the name in tables and on the command line.
        features: numbers in a sample.
        units: units of the hidden layer.
        classes: the number of classes.
        samples: number of samples, a multiple of the batch size.
        batch: samples per step.
        epochs: epochs of each run.
        learning_rate: Adam's learning rate.
        make: makes the samples and labels.
        requires: the module that has the data.
    """

    name: str
    features: int
    units: int
    classes: int
    samples: int
    batch: int
    epochs: int
    learning_rate: float
    make: Callable[[], tuple[Floats, Labels]]
    requires: str = "numpy"

    @property
    def title(self) -> str:
        """Return the work in one line, for people."""
        network = f"{self.features}→{self.units}→{self.classes}"
        size = f"batch {self.batch} of {self.samples}, {self.epochs} epochs"
        return f"{self.name}: {network}, {size}, float32, Adam"

    @property
    def full_batch(self) -> bool:
        """Return whether each step uses all samples."""
        return self.batch == self.samples

    def missing(self) -> bool:
        """Return whether the data cannot be made."""
        return find_spec(self.requires) is None

    def write(self, folder: Path) -> None:
        """Write the data, for every peer to read."""
        x, y = self.make()
        np.savez(folder / DATA_FILE, x=x, y=y)

    def read(self, folder: Path) -> tuple[Floats, Labels]:
        """Return what `write` wrote."""
        return read_data(folder)


def spiral() -> tuple[Floats, Labels]:
    """Return three spirals of 100 points."""
    rng, classes, size = np.random.default_rng(0), 3, 100
    y = np.repeat(np.arange(classes, dtype=np.int64), size)
    radius = np.tile(np.linspace(0.0, 1.0, size), classes)
    angle = 4.0 * (y + radius) + 0.2 * rng.standard_normal(classes * size)
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return x.astype(np.float32), y


def digits() -> tuple[Floats, Labels]:
    """Return 1600 of scikit-learn's images of handwritten digits, from 0 to 1."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:1600] / 16).astype(np.float32), y[:1600].astype(np.int64)


MANY_WORKS = (
    ManyWork("spiral", 2, 64, 3, 300, 300, 1000, 0.02, spiral),
    ManyWork("digits", 64, 64, 10, 1600, 32, 20, 0.003, digits, "sklearn"),
)


def many_work_named(name: str) -> ManyWork:
    """Return the work with that name; raise KeyError if there is none."""
    return {work.name: work for work in MANY_WORKS}[name]
