"""scikit-learn's models, and those of pytabkit: RealMLP, TabM and boosted trees.

pytabkit's own defaults are used, which its authors chose on other sets (`TD`), or those of the
method's authors (`D`). One thread each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from tabular.tasks import Task

Array = Any
Fit = Callable[[], Callable[[], Array]]

MOST_TREES = 1000
"""As many as pytabkit's boosted trees may have; the validation rows decide how many are used."""


def scikit_learn(kind: Literal["mlp", "boosting"], task: Task, folder: Path) -> Fit:  # noqa: ARG001
    """Prepare the fitting of a model with scikit-learn's default settings.

    The network takes no validation rows, and trains until its loss on the training rows settles.
    """
    x, y, test = task.frame("train"), task.target("train"), task.frame("test")
    model = _network(task) if kind == "mlp" else _boosting(task)
    watched = {}
    if kind == "boosting":
        watched = {"X_val": task.frame("validation"), "y_val": task.target("validation")}

    def fit() -> Callable[[], Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of networks that have not converged
            model.fit(x, y, **watched)
        return lambda: model.predict_proba(test) if task.data.classes else model.predict(test)

    return fit


def _boosting(task: Task) -> Any:
    from sklearn import ensemble

    name = "Classifier" if task.data.classes else "Regressor"
    made = getattr(ensemble, f"HistGradientBoosting{name}")
    return made(random_state=task.split, early_stopping=True, max_iter=MOST_TREES)


def _network(task: Task) -> Any:
    """Return a network of standardized numbers, one-hot categories and a standardized target."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [name for name in task.data.columns if name in task.data.numbers]
    texts = [each for each in task.data.columns if each not in (*numbers, task.data.target)]
    preparation = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
    )
    if task.data.classes:
        return make_pipeline(preparation, MLPClassifier(random_state=task.split))
    network = MLPRegressor(random_state=task.split)
    scaled = TransformedTargetRegressor(network, transformer=StandardScaler())
    return make_pipeline(preparation, scaled)


def pytabkit(kind: str, options: dict[str, Any], task: Task, folder: Path) -> Fit:  # noqa: ARG001
    """Prepare the fitting of a model of pytabkit, which needs numbers without gaps."""
    from pytabkit.models.sklearn import sklearn_interfaces

    name = f"{kind}_{'Classifier' if task.data.classes else 'Regressor'}"
    made = getattr(sklearn_interfaces, name)
    model = made(random_state=task.split, n_threads=1, device="cpu", **options)
    frames = {part: task.frame(part) for part in ("train", "validation", "test")}
    medians = frames["train"][sorted(task.data.numbers)].median()
    filled = {part: frame.fillna(medians) for part, frame in frames.items()}
    texts = [each for each in frames["train"] if each not in task.data.numbers]

    def fit() -> Callable[[], Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(
                filled["train"],
                task.target("train"),
                filled["validation"],
                task.target("validation"),
                cat_col_names=texts,
            )
        test = filled["test"]
        return lambda: model.predict_proba(test) if task.data.classes else model.predict(test)

    return fit
