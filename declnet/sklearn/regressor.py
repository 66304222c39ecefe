"""`DeclnetRegressor`: a scikit-learn regressor whose network is declared."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_consistent_length

from declnet import Array
from declnet.sklearn.estimator import SpecEstimator
from declnet.sklearn.samples import Target, Targets, target_array


class DeclnetRegressor(RegressorMixin, SpecEstimator):
    """A regressor whose network, training and preparation of data a declnet spec declares.

    y may also be (n, outputs).

    Args:
        spec: the path of a spec (`.toml` or `.json`), a spec as tables or `RunSpec`, or the name of
            a preset for tables; default: the preset of `declnet new --data`. Data and targets come
            from X and y only.
        random_state: the spec's seed, or a random state that draws one; default: as in the spec,
            so that repeated fits are equal.
        warm_start: whether `fit` starts from the parameters of the last one.
        verbose: whether to print a line for each logged epoch; in a notebook, to show a live view.
        out: a folder in which each `fit` writes the folder of a run; default: nothing is written.
        spec_keys: any keys of the spec, e.g. `optimizer__learning_rate=0.01` or
            `**{"optimizer.learning_rate": 0.01}`.

    Attributes:
        n_features_in_: the number of features.
        feature_names_in_: their names, if X was a data frame.
        n_iter_: the number of epochs trained, or of calls of `partial_fit`.
        loss_: the loss of the training data at the end.
        loss_curve_: the training loss of each logged epoch, or call of `partial_fit`.
        history_: a row for each logged epoch, as in `history.jsonl`.
        metrics_: the metrics of the finished model by data set.
        spec_: the spec as trained.
        predictor_: the trained model with the preparation of its data, a `declnet.Predictor`.
        directory_: the run's folder, or None.
    """

    _takes = ("values",)
    _other = "DeclnetClassifier"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one pass over X and y, which are a part of the data; arguments as for `fit`.

        Raises:
            ValueError: the spec or the data is invalid, or they do not fit each other.
            RunError: the training failed, e.g. by diverging.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> Array:
        """Return the predicted values, (n,) or (n, outputs)."""
        columns = [output.prediction.astype(float) for _, output in self._predictions(X)]
        if not self._is_matrix:
            return columns[0]
        if len(columns) == 1:
            return columns[0].reshape(len(columns[0]), -1)
        return np.stack(columns, axis=1)

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: also several outputs."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _targets(self, X: Any, y: Any, classes: Any = None) -> Targets:  # noqa: ARG002
        array, names = target_array(y, type(self).__name__, numbers=True)
        check_consistent_length(X, array)
        numbers = array.astype(float)
        if numbers.ndim == 1:
            return Targets((Target(names[0], numbers),))
        columns = [Target(name, numbers[:, at]) for at, name in enumerate(names)]
        return Targets(tuple(columns), is_matrix=True)
