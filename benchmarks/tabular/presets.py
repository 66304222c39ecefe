"""The networks that `declnet new` writes, trained by `declnet.run`."""

from __future__ import annotations

import contextlib
import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tabular.tasks import FOLDS, Task

Array = Any
Predict = Callable[..., Array]
Fit = Callable[[], Predict]

FOLD = "fold of the benchmark"
"""The column that says which fold a row is in."""


def declnet_preset(name: str, folds: int = 1) -> Callable[[Task, Path], Fit]:
    """Return the preparation of a preset.

    Args:
        name: the preset.
        folds: into how many folds the rows to train and to validate on are divided anew; 1 keeps
            the task's validation rows.
    """

    def prepare(task: Task, folder: Path) -> Fit:
        parts = {part: task.rows[part] for part in ("train", "validation")}
        if folds > 1:
            parts = {"train": sorted(parts["train"] + parts["validation"])}
        for part, rows in parts.items():
            task.data.write(folder / f"{part}.csv", rows)
        return _trained(task, folder, spec_of(task, folder, name, folds))

    return prepare


def bagged_preset(name: str) -> Callable[[Task, Path], Fit]:
    """Return the preparation of a preset that is trained on the task's folds."""

    def prepare(task: Task, folder: Path) -> Fit:
        rows = sorted(task.learning)
        task.data.write(folder / "train.csv", rows)
        document = spec_of(task, folder, name, FOLDS)
        document["data"]["split"] = {"method": "column", "column": FOLD}
        fold_of = {row: at for at, fold in enumerate(task.folds) for row in fold.rows["validation"]}
        task.data.write(
            folder / "train.csv", rows, {FOLD: [f"part {fold_of[row]}" for row in rows]}
        )
        return _trained(task, folder, document)

    return prepare


def declnet_new(*, best: bool = False) -> Callable[[Task, Path], Fit]:
    """Return the preparation of what `declnet new` writes, unedited, and the command it names.

    It gets the rows of all folds, which it may divide as it likes, and the kind of task.

    Args:
        best: whether to take the preset `best`, for the task's seconds.
    """

    def prepare(task: Task, folder: Path) -> Fit:
        task.data.write(folder / "train.csv", sorted(task.learning))
        options = ("--preset", "best", "--minutes", f"{task.seconds / 60:g}") if best else ()
        command = "tune" if best else "run"

        def fit() -> Predict:
            _write_spec(task, folder, *options)
            _call(command, folder / "spec.toml", "--out", folder / "run")
            return _predicting(task, folder / "run")

        return fit

    return prepare


def _trained(task: Task, folder: Path, document: dict[str, Any]) -> Fit:
    import declnet

    parsed = declnet.parse_spec(document, folder=folder)

    def fit() -> Predict:
        declnet.run(parsed, out=folder / "run")
        return _predicting(task, folder / "run")

    return fit


def _predicting(task: Task, run: Path) -> Predict:
    import declnet

    predictor = declnet.load_predictor(run)

    def predict(part: str = "test") -> Array:
        return _in_order(predictor.predict(task.features(part)), task.data.classes)

    return predict


def spec_of(task: Task, folder: Path, preset: str, folds: int = 1) -> dict[str, Any]:
    """Return the spec that `declnet new` writes, with folds or the task's validation rows."""
    spec = _write_spec(task, folder, "--preset", preset, "--folds", str(folds))
    import declnet

    document = declnet.extended_document(tomllib.loads(spec.read_text(encoding="utf-8")))
    data = document["data"]
    data.pop("test", None)
    if folds == 1:
        data.pop("split", None)
        data["validation"] = {**data["train"], "path": "validation.csv"}
    document["seed"] = task.split
    return document


def _write_spec(task: Task, folder: Path, *options: str) -> Path:
    """Write the spec for the rows in train.csv; return its path."""
    spec, target = folder / "spec.toml", ("--target", task.data.target, "--task", task.data.task)
    _call("new", spec, "--data", folder / "train.csv", *target, *options)
    return spec


def _call(*words: str | Path) -> None:
    """Run a command of declnet in this process; raise SystemExit if it fails."""
    from declnet.cli.main import command

    with contextlib.redirect_stdout(io.StringIO()):
        code = command.main([str(word) for word in words], standalone_mode=False)
    if code:
        raise SystemExit(f"declnet {words[0]}: exit code {code}")


def _in_order(predicted: Any, classes: list[str]) -> Array:
    """Return probabilities in the order of the classes, or values."""
    if not classes:
        return np.asarray(predicted.prediction, dtype=float).ravel()
    if predicted.probabilities is None or predicted.class_names is None:
        raise ValueError("the model does not predict classes")
    return predicted.probabilities[:, [_position(name, predicted.class_names) for name in classes]]


def _position(name: str, class_names: tuple[str, ...]) -> int:
    """Return the index of a class; names that are numbers may be written in another way."""
    if name in class_names:
        return class_names.index(name)
    return [float(class_name) for class_name in class_names].index(float(name))
