"""The style that the page and the pictures share: metrics, colors, shapes and spacing.

The colors are distinguishable with any color vision. After Okabe and Ito, Color Universal Design,
2008, each darkened or lightened until its contrast with the page is at least 3:1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

LIGHT = ("#0068b0", "#c4500a", "#008563", "#a8387f", "#8a6a00", "#2c88b8", "#5b4bb3", "#5c6670")
"""Colors on white."""

DARK = ("#5eb3f0", "#f3924f", "#3ecba2", "#e58cc4", "#e8c04a", "#8fd3f4", "#b0a2f5", "#b4bdc6")
"""Colors on near black."""

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
"""Shapes of points, so that nothing depends on color alone."""

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 2, 1, 2], [1, 3], [12, 3, 3, 3])
"""Dash patterns of lines."""


VALIDATION = "validation_"
"""Prefix of the metrics on validation data in a history."""

NOT_DRAWN = ("epoch", "learning_rate", "data_loss", "regularization_loss")
"""Keys of a history that are not metrics; the learning rate comes last."""

Rows = Sequence[Mapping[str, Any]]


def logged_metrics(histories: Iterable[Rows]) -> list[str]:
    """Return the metrics logged on training or validation data, the loss first."""
    keys = dict.fromkeys(key for rows in histories for row in rows for key in row)
    names = dict.fromkeys(key.removeprefix(VALIDATION) for key in keys)
    drawn = (name for name in names if name not in NOT_DRAWN)
    return sorted(drawn, key=lambda name: name != "loss")


def run_labels(paths: Sequence[Path]) -> list[str]:
    """Return the shortest part of each folder's path that distinguishes the runs.

    Folders that are there twice are numbered.
    """
    labels: list[str] = []
    for parts in (1, 2, 3, 99):
        labels = ["/".join(path.absolute().parts[-parts:]) for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [
        f"{label} ({number})" if labels.count(label) > 1 else label
        for number, label in enumerate(labels, start=1)
    ]


def series_color(index: int) -> str:
    """Return a series' color as a style sheet variable; colors repeat after the eighth."""
    return f"var(--series-{index % len(LIGHT) + 1})"


def rgb(index: int) -> tuple[int, int, int]:
    """Return a series' color between light and dark, for images that suit both."""
    pair = (LIGHT[index % len(LIGHT)], DARK[index % len(DARK)])
    parts = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in pair]
    red, green, blue = ((a + b) // 2 for a, b in zip(*parts, strict=True))
    return red, green, blue


def set_apart(places: Sequence[float], apart: float) -> list[float]:
    """Return positions at least `apart`, in the same order, closest to the desired ones.

    Minimizes the sum of squares by pooling adjacent violators: after subtracting `apart` per item,
    positions need only be nondecreasing, so neighbors that would be too close move as one.

    Args:
        places: the desired positions, in order.
        apart: the least distance between two.

    Source: Barlow, Bartholomew, Bremner and Brunk, Statistical Inference under Order Restrictions,
    1972.
    """
    pools: list[tuple[float, int]] = []  # mean desired position, each as if first; members
    for index, place in enumerate(places):
        mean, count = place - index * apart, 1
        while pools and pools[-1][0] > mean:
            before, more = pools.pop()
            mean = (mean * count + before * more) / (count + more)
            count += more
        pools.append((mean, count))
    means = [mean for mean, count in pools for _ in range(count)]
    return [mean + index * apart for index, mean in enumerate(means)]
