"""`declnet new`'s default network and scikit-learn's models, fitted to a CSV file."""

from __future__ import annotations

import contextlib
import io
import shutil
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from tabular.sets import TableSet

Array = Any
Document = dict[str, Any]
MISSING = ["", "NA"]


@dataclass(frozen=True)
class Split:
    """One split of a set, as two CSV files.

    Attributes:
        data: the set.
        train: the file to learn from.
        test: the file to predict.
        seed: the seed of the models.
    """

    data: TableSet
    train: Path
    test: Path
    seed: int


Fit = Callable[[Split], Array]
"""Fits a model and returns predictions for the test rows: probabilities (n, classes) or values."""


def declnet_new(split: Split, change: Callable[[Document], None] | None = None) -> Array:
    """Train as the spec says that `declnet new` writes, without its share for testing.

    The rows to test on are in a file of their own. `change` may edit the spec, to try others.
    """
    import declnet
    from declnet.cli.main import command

    folder = split.train.parent
    spec = folder / "spec.toml"
    words = ["new", spec, "--data", split.train, "--target", split.data.target]
    words += ["--task", split.data.task, "--force"]
    with contextlib.redirect_stdout(io.StringIO()):
        command.main([str(each) for each in words], standalone_mode=False)
    document = tomllib.loads(spec.read_text())
    document["data"].pop("test", None)
    document["seed"] = split.seed
    if change is not None:
        change(document)
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    declnet.run(declnet.parse_spec(document, folder=folder), out=run)
    columns, _ = _table(split.test, split.data)
    found = declnet.load_predictor(run).predict(columns)
    if not split.data.classes:
        return np.asarray(found.prediction).ravel()
    if found.probabilities is None or found.class_names is None:
        raise ValueError("the model does not predict classes")
    order = [_position(each, found.class_names) for each in split.data.classes]
    return found.probabilities[:, order]


def _position(name: str, class_names: tuple[str, ...]) -> int:
    """Return the index of a class; names that are numbers may be written in another way."""
    if name in class_names:
        return class_names.index(name)
    return [float(each) for each in class_names].index(float(name))


def scikit_learn(kind: Literal["linear", "network", "boosting"]) -> Fit:
    """Return the fitting of a scikit-learn model with its default settings.

    Medians fill missing numbers, and numbers are standardized; texts are one-hot encoded.
    """

    def fit(split: Split) -> Array:
        from sklearn.pipeline import make_pipeline

        train, y = _table(split.train, split.data)
        test, _ = _table(split.test, split.data)
        model = make_pipeline(_preparation(train), _model(kind, split))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of networks that have not converged
            model.fit(train, y)
        if not split.data.classes:
            return model.predict(test)
        found = model.predict_proba(test)
        order = [list(model.classes_).index(each) for each in split.data.classes]
        return found[:, order]

    return fit


def _model(kind: str, split: Split) -> Any:
    from sklearn import ensemble, linear_model, neural_network

    if split.data.classes:
        return {
            "linear": lambda: linear_model.LogisticRegression(max_iter=1000),
            "network": lambda: neural_network.MLPClassifier(random_state=split.seed),
            "boosting": lambda: ensemble.HistGradientBoostingClassifier(random_state=split.seed),
        }[kind]()
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    model = {
        "linear": linear_model.Ridge,
        "network": lambda: neural_network.MLPRegressor(random_state=split.seed),
        "boosting": lambda: ensemble.HistGradientBoostingRegressor(random_state=split.seed),
    }[kind]()
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def _preparation(train: pl.DataFrame) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [name for name, kind in train.schema.items() if kind.is_numeric()]
    texts = [name for name in train.columns if name not in numbers]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
    )


def _table(path: Path, data: TableSet) -> tuple[pl.DataFrame, Array]:
    """Return features, with the types of the whole set, and the target."""
    texts = {name: pl.String for name, cells in data.columns.items() if not _are_numbers(cells)}
    if data.classes:
        texts[data.target] = pl.String
    frame = pl.read_csv(path, schema_overrides=texts, null_values=MISSING, infer_schema_length=None)
    return frame.drop(data.target), frame[data.target].to_numpy()


def _are_numbers(cells: list[str]) -> bool:
    try:
        for cell in set(cells).difference(MISSING):
            float(cell)
    except ValueError:
        return False
    return True


MODELS: dict[str, Fit] = {
    "declnet new": declnet_new,
    "linear": scikit_learn("linear"),
    "network": scikit_learn("network"),
    "boosting": scikit_learn("boosting"),
}
"""The models by name; linear means logistic or ridge regression."""
