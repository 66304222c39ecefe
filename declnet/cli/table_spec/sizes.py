"""Sizes that suit a table: of the network, of steps, of what is held out."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST_TO_HOLD_OUT = 30
"""Rows of a table, of which some can be kept from learning."""


@dataclass(frozen=True)
class Sizes:
    """Sizes for a number of rows.

    Attributes:
        units: of each hidden layer.
        dropout: the share that is dropped in training; 0 for none.
        weight_decay: of adamw.
        validation: the share of the rows that is held out to stop in time; 0 for none.
        test: the share of the rows that the finished model is measured on; 0 for none.
        batch_size: samples a step; None for all.
        epochs: at most.
        patience: epochs without a gain after which training stops.
        learning_rate: of adamw.
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
    """Sizes for a table: small ones need rest from learning by heart, large ones many units."""
    if rows < FEWEST_TO_HOLD_OUT:
        return Sizes(16, 0.0, 0.01, 0.0, 0.0, None, 200, 0, 0.01)
    if rows < 1000:
        return Sizes(32, 0.3, 0.5, 0.15, 0.2, 16, 200, 100, 0.002)
    if rows < 20_000:
        return Sizes(64, 0.1, 0.1, 0.15, 0.15, 32, 200, 25, 0.002)
    if rows < 200_000:
        return Sizes(128, 0.0, 0.01, 0.1, 0.1, 128, 100, 10, 0.002)
    return Sizes(256, 0.0, 0.01, 0.05, 0.05, 512, 50, 5, 0.002)
