"""Runs of small models, and what onnxruntime makes of their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declnet import cross_validate, open_ensemble, open_run, run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table with text, gaps, integers, booleans, and targets of each sort."""
    rng = np.random.default_rng(0)
    lines = ["size,rooms,city,garden,age,price,sold,rating"]
    for row in range(120):
        city = ["Ulm", "Köln", "", "Bonn, West"][row % 4]
        size = "" if row % 11 == 5 else f"{rng.normal(80, 20):.3f}"
        garden, age = ["true", "false"][row % 2], "" if row % 7 == 3 else str(row % 50)
        price, sold = 1000 * rng.uniform(1, 9), ["no", "yes"][int(rng.integers(2))]
        lines.append(f'{size},{row % 5},"{city}",{garden},{age},{price:.2f},{sold},{row % 3}')
    path = tmp_path / "houses.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def trained(tmp_path: Path, table: Path) -> Callable[..., Any]:
    """Train a model of the table for a few steps, and return the run."""

    def train(
        target: str,
        layers: list[Any],
        loss: Any,
        prepare: list[Any] = (  # type: ignore[assignment]
            {"type": "impute", "columns": ["size", "age"]},
            "standardize",
            {"type": "one_hot", "missing": "zeros"},
        ),
        data: Mapping[str, Any] = {},
        only: str | None = None,
        **sections: Any,
    ) -> Any:
        features = [only] if only else ["size", "rooms", "city", "garden", "age"]
        source = {"type": "csv", "path": str(table), "target": target, "features": features}
        spec = {
            "data": {"train": source, "validation": 0.2, "prepare": list(prepare), **data},
            "model": {"layers": layers},
            "loss": loss,
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "training": {"epochs": 5, "batch_size": 32},
            "engine": {"kernels": "numpy"},
            **sections,
        }
        if "folds" in data:
            cross_validate(spec, out=tmp_path / "run")
            return open_ensemble(tmp_path / "run")
        run(spec, out=tmp_path / "run")
        return open_run(tmp_path / "run")

    return train
