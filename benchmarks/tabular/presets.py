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


def declnet_preset(name: str) -> Callable[[Task, Path], Callable[[], Any]]:
    """Return the preparation of a preset, which gets the task's validation rows."""

    def prepare(task: Task, folder: Path) -> Callable[[], Callable[[], Array]]:
        for part in ("train", "validation"):
            task.data.write(folder / f"{part}.csv", task.rows[part])
        document = spec_of(task, folder, "--preset", name, "--folds", "1")
        data = document["data"]
        data.pop("split", None)
        data["validation"] = {**data["train"], "path": "validation.csv"}
        return _fitting(task, folder, document)

    return prepare


def declnet_default(task: Task, folder: Path) -> Callable[[], Callable[[], Array]]:
    """Prepare what `declnet new` writes without options.

    It divides the rows to train and to validate on anew, into folds if they are few.
    """
    task.data.write(folder / "train.csv", sorted(task.rows["train"] + task.rows["validation"]))
    return _fitting(task, folder, spec_of(task, folder))


def _fitting(task: Task, folder: Path, document: dict[str, Any]) -> Callable[[], Any]:
    import declnet

    parsed = declnet.parse_spec(document, folder=folder)
    train = declnet.cross_validate if parsed.data.is_cross_validation else declnet.run

    def fit() -> Callable[[], Array]:
        train(parsed, out=folder / "run")
        predictor = declnet.load_predictor(folder / "run")
        return lambda: _in_order(predictor.predict(task.features("test")), task.data.classes)

    return fit


def spec_of(task: Task, folder: Path, *options: str) -> dict[str, Any]:
    """Return the spec that `declnet new` writes for `train.csv`, without test rows."""
    from declnet.cli.main import command

    spec = folder / "spec.toml"
    words = ["new", spec, "--data", folder / "train.csv", "--target", task.data.target]
    words += ["--task", task.data.task, *options]
    with contextlib.redirect_stdout(io.StringIO()):
        command.main([str(each) for each in words], standalone_mode=False)
    document = tomllib.loads(spec.read_text(encoding="utf-8"))
    document["data"].pop("test", None)
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
