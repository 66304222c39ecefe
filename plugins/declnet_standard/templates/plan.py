"""All choices for a table: sizes by the number of rows, a start by the target's values."""

from dataclasses import dataclass
from math import floor, log10, sqrt

from declnet import ColumnProfile, TableProfile
from declnet_standard.templates.features import Features

FEWEST_TO_HOLD_OUT = 30
"""Rows of a table, of which some can be kept from learning."""
USUAL = 3.0
"""A mean or a deviation of the target below this needs no other start than the usual one."""
DIGITS = 1e4
"""Deviations that the mean may be away from 0, with the digits of float32."""


@dataclass(frozen=True)
class Sizes:
    """Sizes for a number of rows.

    Attributes:
        units: of each hidden layer.
        dropout: the share that is dropped in training; 0 for none.
        weight_decay: of the optimizer.
        validation: the share of the rows that is held out to stop in time; 0 for none.
        test: the share of the rows that the finished model is measured on; 0 for none.
        batch_size: samples a step; None for all.
        epochs: at most.
        patience: epochs without a gain after which training stops.
        learning_rate: of the optimizer.
    """

    units: int
    dropout: float
    weight_decay: float
    validation: float
    test: float
    batch_size: int | None
    epochs: int
    patience: int
    learning_rate: float


def sizes_for(rows: int) -> Sizes:
    """Return sizes for a table: small ones must not be memorized, large ones take many units."""
    if rows < FEWEST_TO_HOLD_OUT:
        return Sizes(16, 0.0, 0.01, 0.0, 0.0, None, 200, 0, 0.01)
    if rows < 1000:
        return Sizes(32, 0.3, 0.5, 0.15, 0.2, 16, 200, 100, 0.002)
    if rows < 20_000:
        return Sizes(64, 0.1, 0.1, 0.15, 0.15, 32, 200, 25, 0.002)
    if rows < 200_000:
        return Sizes(128, 0.0, 0.01, 0.1, 0.1, 128, 100, 10, 0.002)
    return Sizes(256, 0.0, 0.01, 0.05, 0.05, 512, 50, 5, 0.002)


@dataclass(frozen=True)
class Plan:
    """What the spec will say.

    Attributes:
        table: what is in it.
        features: the columns to predict from.
        sizes: by the number of rows.
        early_stopping: whether that callback is installed.
    """

    table: TableProfile
    features: Features
    sizes: Sizes
    early_stopping: bool

    @property
    def target(self) -> ColumnProfile:
        """Facts about the target column."""
        return self.table.columns[self.table.target]

    @property
    def last_units(self) -> int:
        """Of the last dense layer."""
        return self.target.distinct if self.table.task == "classes" else 1

    @property
    def start(self) -> tuple[float, float] | None:
        """Deviation of the last weights and value of the last bias to begin with.

        None for the usual ones. With them the first predictions of numbers have the mean and the
        spread of the target, whatever its unit; small steps then suffice.
        """
        if self.table.task != "values":
            return None
        mean, std = self.target.mean, self.target.std
        if abs(mean) < USUAL and 1 / USUAL < std < USUAL:
            return None
        places = 2 - floor(log10(std))
        return float(f"{std / sqrt(self.sizes.units):.3g}"), round(mean, places)

    @property
    def double(self) -> bool:
        """Whether the target needs more digits than float32 has."""
        return self.table.task == "values" and abs(self.target.mean) > DIGITS * self.target.std
