"""A table with text, gaps, integers, booleans and a target for each task, and models of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from declnet import open_group, open_run, run

FEATURES = ("size (m²)", "rooms", "city", "garden", "age")
PREPARE = (
    {"type": "missing_indicator", "columns": ["age"]},
    {"type": "impute", "columns": ["size (m²)", "age"]},
    "standardize",
    {"type": "one_hot", "missing": "zeros"},
)
CLASSES = [{"type": "dense", "units": 4}, "relu", {"type": "dense", "units": 3}, "softmax"]


def write_table(path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [",".join((*FEATURES, "price", "sold", "rating"))]
    for row in range(120):
        city = ["Ulm", "Köln", "", "Bonn, West"][row % 4]
        size = "" if row % 11 == 5 else f"{rng.normal(80, 20):.3f}"
        garden, age = ["true", "false"][row % 2], "" if row % 7 == 3 else str(row % 50)
        price, sold = 1000 * rng.uniform(1, 9), ["no", "yes"][int(rng.integers(2))]
        lines.append(f'{size},{row % 5},"{city}",{garden},{age},{price:.2f},{sold},{row % 3}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def trained(
    folder: Path,
    target: str = "rating",
    layers: Sequence[Any] = CLASSES,
    loss: str = "categorical_crossentropy",
    prepare: Sequence[Any] = PREPARE,
    data: Mapping[str, Any] = {},
    **sections: Any,
) -> Any:
    """Train a model of the table for a few steps; return the run, or the folds."""
    write_table(folder / "houses.csv")
    source = {"type": "csv", "path": str(folder / "houses.csv"), "target": target}
    source["features"] = list(FEATURES)
    spec = {
        "data": {"train": source, "validation": 0.2, "prepare": list(prepare), **data},
        "model": {"layers": list(layers)},
        "loss": loss,
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 5, "batch_size": 32},
        "engine": {"kernels": "numpy"},
        **sections,
    }
    if "folds" in data:
        run(spec, out=folder / "run")
        return open_group(folder / "run")
    run(spec, out=folder / "run")
    return open_run(folder / "run")
