"""Models of scikit-learn and pytabkit: RealMLP, TabM and boosted trees.

They use pytabkit's tuned defaults, which its authors chose on other sets (`TD`), or the defaults of
the method's authors (`D`), and one thread each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tabular.tasks import MOST_LEVELS, Task

Array = Any
Fit = Callable[[], Callable[..., Array]]
Model = Literal["linear", "forest", "boosting", "mlp"]

MOST_TREES = 1000
"""As many as pytabkit's boosted trees may have; the validation rows decide how many are used."""
PROSE_COMPONENTS = 100
"""Of words and pairs of words, for models that need a table without too many columns."""


def scikit_learn(kind: Model, task: Task, folder: Path) -> Fit:  # noqa: ARG001
    """Prepare the fitting of a model with scikit-learn's default settings.

    All but boosting take no validation rows; the network trains until its loss on the training rows
    settles.
    """
    frames = {part: task.frame(part, MOST_LEVELS) for part in task.rows}
    y = task.target("train")
    preparation = _preparation(kind, task)
    model = _model(kind, task, len(frames["train"].select_dtypes("category").columns))

    def fit() -> Callable[..., Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of networks that have not converged
            x, watched = preparation.fit_transform(frames["train"]), {}
            if kind == "boosting":
                watched["X_val"] = preparation.transform(frames["validation"])
                watched["y_val"] = task.target("validation")
            model.fit(x, y, **watched)

        def predict(part: str = "test") -> Array:
            prepared = preparation.transform(frames[part])
            if not task.data.classes:
                return model.predict(prepared)
            return _of_all_classes(model.predict_proba(prepared), model.classes_, task)

        return predict

    return fit


def _of_all_classes(probabilities: Array, known: Array, task: Task) -> Array:
    """Return probabilities of all classes; one that training lacks has none."""
    import numpy as np

    whole = np.zeros((len(probabilities), len(task.data.classes)))
    whole[:, known] = probabilities
    return whole


def _model(kind: Model, task: Task, categories: int) -> Any:
    """Return a model, for numbers with a standardized target if it is a network.

    Args:
        kind: the kind of model.
        task: what it learns.
        categories: how many of the first columns are categories.
    """
    from sklearn import ensemble, linear_model, neural_network
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    name, seed = "Classifier" if task.data.classes else "Regressor", task.split
    if kind == "linear":
        linear = linear_model.LogisticRegression(max_iter=1000)
        return linear if task.data.classes else linear_model.Ridge()
    if kind == "forest":
        return getattr(ensemble, f"RandomForest{name}")(random_state=seed)
    if kind == "boosting":
        model = getattr(ensemble, f"HistGradientBoosting{name}")
        options = {"early_stopping": True, "max_iter": MOST_TREES}
        return model(random_state=seed, categorical_features=[*range(categories)], **options)
    network = getattr(neural_network, f"MLP{name}")(random_state=seed)
    if task.data.classes:
        return network
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def _preparation(kind: Model, task: Task) -> Any:
    """Return standardized numbers, one-hot categories and prose by TF-IDF.

    Boosting gets categories as such, and numbers as they are. Prose is words and pairs of words:
    all of them for the linear model, and for others their principal components.
    """
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    numbers = make_column_selector(dtype_include="number")
    categories = make_column_selector(dtype_include="category")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=kind == "linear")
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words: Any = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    if kind != "linear":
        words = make_pipeline(words, TruncatedSVD(PROSE_COMPONENTS, random_state=task.split))
    prose = [(words, name) for name in task.data.columns if name in task.data.texts]
    if kind == "boosting":
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
        return make_column_transformer((codes, categories), ("passthrough", numbers), *prose)
    return make_column_transformer((scaled, numbers), (one_hot, categories), *prose)


def pytabkit(kind: str, options: dict[str, Any], task: Task, folder: Path) -> Fit:  # noqa: ARG001
    """Prepare the fitting of a model of pytabkit, which needs numbers without gaps."""
    from pytabkit.models.sklearn import sklearn_interfaces

    name = f"{kind}_{'Classifier' if task.data.classes else 'Regressor'}"
    settings = {"random_state": task.split, "n_threads": 1, "device": "cpu", **options}
    model = getattr(sklearn_interfaces, name)(**settings)
    frames = {part: task.frame(part) for part in task.rows}
    medians = frames["train"].select_dtypes("number").median().fillna(0.0)
    filled = {part: frame.fillna(medians) for part, frame in frames.items()}
    categories = [*frames["train"].select_dtypes("category")]

    def fit() -> Callable[..., Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(
                filled["train"],
                task.target("train"),
                filled["validation"],
                task.target("validation"),
                cat_col_names=categories,
            )

        def predict(part: str = "test") -> Array:
            if not task.data.classes:
                return model.predict(filled[part])
            return _of_all_classes(model.predict_proba(filled[part]), model.classes_, task)

        return predict

    return fit


def pytabkit_trial(
    kind: str, first: tuple[str, dict[str, Any]], trial: int
) -> Callable[[Task, Path], Fit]:
    """Return a method of pytabkit with the settings of a trial of its random search.

    Args:
        kind: the search, such as "RealMLP_HPO".
        first: what trial 0 fits instead, the method with its default settings.
        trial: the number of the trial, from 0, which decides the settings for all folds.
    """
    if trial == 0:
        return partial(pytabkit, *first)
    return partial(pytabkit, kind, {"n_hyperopt_steps": 1, "random_state": trial})
