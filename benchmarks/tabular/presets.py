"""The networks that `declnet new` writes, trained by `declnet.run`."""

from __future__ import annotations

import contextlib
import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tabular.tasks import Task

Array = Any


def declnet_preset(name: str, folds: int = 1) -> Callable[[Task, Path], Callable[[], Any]]:
    """Return the preparation of a preset.

    Args:
        name: the preset.
        folds: into how many folds the rows to train and to validate on are divided anew; 1 keeps
            the task's validation rows.
    """

    def prepare(task: Task, folder: Path) -> Callable[[], Callable[[], Array]]:
        import declnet

        parts = {part: task.rows[part] for part in ("train", "validation")}
        if folds > 1:
            parts = {"train": sorted(parts["train"] + parts["validation"])}
        for part, rows in parts.items():
            task.data.write(folder / f"{part}.csv", rows)
        document = spec_of(task, folder, name, folds)
        parsed = declnet.parse_spec(document, folder=folder)

        def fit() -> Callable[[], Array]:
            declnet.run(parsed, out=folder / "run")
            predictor = declnet.load_predictor(folder / "run")
            return lambda: _in_order(predictor.predict(task.features("test")), task.data.classes)

        return fit

    return prepare


def spec_of(task: Task, folder: Path, preset: str, folds: int = 1) -> dict[str, Any]:
    """Return the spec that `declnet new` writes, with folds or the task's validation rows."""
    from declnet.cli.main import command

    spec = folder / "spec.toml"
    words = ["new", spec, "--data", folder / "train.csv", "--target", task.data.target]
    words += ["--task", task.data.task, "--preset", preset, "--folds", folds]
    with contextlib.redirect_stdout(io.StringIO()):
        command.main([str(each) for each in words], standalone_mode=False)
    document = tomllib.loads(spec.read_text(encoding="utf-8"))
    data = document["data"]
    data.pop("test", None)
    if folds == 1:
        data.pop("split", None)
        data["validation"] = {**data["train"], "path": "validation.csv"}
    document["seed"] = task.split
    return document


def _in_order(found: Any, classes: list[str]) -> Array:
    """Return probabilities in the order of the classes, or values."""
    if not classes:
        return np.asarray(found.prediction, dtype=float).ravel()
    if found.probabilities is None or found.class_names is None:
        raise ValueError("the model does not predict classes")
    return found.probabilities[:, [_position(each, found.class_names) for each in classes]]


def _position(name: str, class_names: tuple[str, ...]) -> int:
    """Return the index of a class; names that are numbers may be written in another way."""
    if name in class_names:
        return class_names.index(name)
    return [float(each) for each in class_names].index(float(name))
