"""Schedules must stay in the ranges of their fields."""

from __future__ import annotations

import pytest

RANGE = (
    'model.layers.1.rate: error[E013]: "rate" must be at least 0 and less than 1, but its schedule '
    "gives"
)


@pytest.mark.parametrize(
    ("rate", "decay", "expected"),
    [
        ({"type": "cosine", "initial_rate": 0.9}, {"type": "constant", "value": 1e3}, None),
        (
            {"type": "polynomial", "initial_rate": 0.1, "final_rate": 1.5},
            0.1,
            f"{RANGE} 1.03333 at step 21 of 30",
        ),
        (
            {"type": "one_cycle", "max_rate": 1.0},
            0.1,
            f"{RANGE} 1 at step 9 of 30",
        ),
    ],
)
def test_values_outside_the_range_are_errors_at_the_field(
    problems, document, rate, decay, expected
):
    document["model"]["layers"].insert(1, {"type": "dropout", "rate": rate})
    document["optimizer"] = {"type": "adamw", "weight_decay": decay}
    document["training"] |= {"epochs": 10, "batch_size": 10}
    assert problems(document) == ([expected] if expected is not None else [])
