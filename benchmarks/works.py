"""The works: what every peer is asked to train, as data.

A work is a network, its data and its optimizer's rate; nothing here knows how any peer trains it.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Dense:
    """y = x @ weights + biases; the loss gains l2 * (sum(weights**2) + sum(biases**2))."""

    inputs: int
    units: int
    l2: float = 0.0


@dataclass(frozen=True)
class Relu:
    """y = max(x, 0)."""


Layer = Dense | Relu


@dataclass(frozen=True)
class Work:
    """One training job: softmax and cross-entropy on top of `layers`, trained by Adam in float32.

    `short_steps` and `long_steps` are the lengths of the two runs whose difference is measured;
    each is a whole number of epochs, and `long_steps` a multiple of `short_steps`.
    `quick_steps` are the same two for `--quick`. A spiral's short run ends while the losses still
    agree: Adam's first steps blow rounding up, and a higher rate or a longer run parts them.
    """

    name: str
    layers: tuple[Layer, ...]
    data: Literal["spiral", "linear"]
    samples: int
    batch: int
    learning_rate: float
    short_steps: int
    long_steps: int
    quick_steps: tuple[int, int]

    @property
    def dense(self) -> tuple[Dense, ...]:
        """The layers that have weights, in order: `dense_1`, `dense_2`, …"""
        return tuple(layer for layer in self.layers if isinstance(layer, Dense))

    @property
    def steps_per_epoch(self) -> int:
        """Batches that it takes to see every sample once."""
        return self.samples // self.batch

    @property
    def full_batch(self) -> bool:
        """Whether each step sees all samples."""
        return self.batch == self.samples

    @property
    def title(self) -> str:
        """The work in a line, for people."""
        sizes = [self.dense[0].inputs, *(layer.units for layer in self.dense)]
        shape = "→".join(str(size) for size in sizes)
        return f"{self.name}: {shape}, batch {self.batch} of {self.samples}"


# Adam, whatever the work; epsilon stands outside the root of the corrected second moment.
BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-7

SPIRAL = (Dense(2, 64, l2=5e-4), Relu(), Dense(64, 3))
SMALL = (Dense(64, 128), Relu(), Dense(128, 64), Relu(), Dense(64, 10))
WIDE = (Dense(784, 512), Relu(), Dense(512, 512), Relu(), Dense(512, 10))

WORKS = (
    Work("spiral_3000", SPIRAL, "spiral", 3000, 3000, 0.005, 200, 2200, (20, 60)),
    Work("spiral_300", SPIRAL, "spiral", 300, 300, 0.005, 200, 10200, (20, 60)),
    Work("small", SMALL, "linear", 3200, 32, 0.001, 600, 7200, (200, 400)),
    Work("wide", WIDE, "linear", 8192, 128, 0.0003, 128, 640, (128, 256)),
)


def work_named(name: str) -> Work:
    """The work of that name; KeyError if there is none."""
    return {work.name: work for work in WORKS}[name]
