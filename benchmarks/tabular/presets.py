"""The networks that `declnet new` writes, trained by `declnet.run`."""

from __future__ import annotations

import contextlib
import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tabular.tasks import SPLITS, Task

Array = Any


def declnet_preset(
    name: str, folds: int = 0, seeds: int = 1
) -> Callable[[Task, Path], Callable[[], Any]]:
    """Return the preparation of a preset.

    Args:
        name: the preset.
        folds: into how many folds the rows to train and to validate on are divided again, for as
            many models whose predictions are averaged; 0 keeps the task's validation rows.
        seeds: with how many seeds a model is trained; their predictions are averaged.
    """

    def prepare(task: Task, folder: Path) -> Callable[[], Callable[[], Array]]:
        import declnet

        for part in ("train", "validation"):
            task.data.write(folder / f"{part}.csv", task.rows[part])
        if folds:
            both = sorted(task.rows["train"] + task.rows["validation"])
            task.data.write(folder / "train.csv", both)
        document = spec_of(task, folder, name, folds)
        each_seed = range(task.split, task.split + SPLITS * seeds, SPLITS)
        specs = [
            declnet.parse_spec({**document, "seed": seed}, folder=folder) for seed in each_seed
        ]

        def fit() -> Callable[[], Array]:
            if folds:
                declnet.cross_validate(specs[0], out=folder / "run")
            else:
                for number, spec in enumerate(specs):
                    declnet.run(spec, out=folder / ("run" if seeds == 1 else f"seed-{number}"))
            if seeds > 1:
                runs = [declnet.open_run(folder / f"seed-{at}") for at in range(seeds)]
                predictor = declnet.EnsemblePredictor([each.predictor() for each in runs])
            else:
                predictor = declnet.load_predictor(folder / "run")
            return lambda: _in_order(predictor.predict(task.features("test")), task.data.classes)

        return fit

    return prepare


def spec_of(task: Task, folder: Path, preset: str, folds: int = 0) -> dict[str, Any]:
    """Return the spec that `declnet new` writes, with the task's own rows for validation."""
    from declnet.cli.main import command

    spec = folder / "spec.toml"
    words = ["new", spec, "--data", folder / "train.csv", "--target", task.data.target]
    words += ["--task", task.data.task, "--preset", preset]
    with contextlib.redirect_stdout(io.StringIO()):
        command.main([str(each) for each in words], standalone_mode=False)
    document = tomllib.loads(spec.read_text(encoding="utf-8"))
    data = document["data"]
    data.pop("test", None)
    if folds:
        data.pop("validation", None)
        data["folds"] = folds
    else:
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
