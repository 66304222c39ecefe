"""`DeclnetClassifier`: a scikit-learn classifier whose network is declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length

from declnet import Array, Predictor, class_name
from declnet.sklearn.estimator import SpecEstimator
from declnet.sklearn.samples import Target, Targets, class_weights, target_array


def _has_probabilities(estimator: DeclnetClassifier) -> bool:
    fitted: Predictor | None = vars(estimator).get("predictor_")
    return fitted is None or not any(reading.scores for reading in fitted.readings)


def _has_scores(estimator: DeclnetClassifier) -> bool:
    fitted: Predictor | None = vars(estimator).get("predictor_")
    return fitted is not None and len(fitted.readings) == 1 and fitted.readings[0].scores


class DeclnetClassifier(ClassifierMixin, SpecEstimator):
    """A classifier whose network, training and preparation of data a declnet spec declares.

    Labels are of any type that can be sorted; y may also be (n, labels) of 0 and 1, several labels
    for each sample, or (n, outputs) of classes.

    Args:
        spec: the path of a spec (`.toml` or `.json`), a spec as tables or `RunSpec`, or the name of
            a preset for tables; default: the preset of `declnet new --data`. Data and targets come
            from X and y only.
        random_state: the spec's seed, or a random state that draws one; default: as in the spec,
            so that repeated fits are equal.
        warm_start: whether `fit` starts from the parameters of the last one.
        verbose: whether to print a line for each logged epoch; in a notebook, to show a live view.
        class_weight: the weights of classes in the loss: `"balanced"`, inversely proportional to
            their frequencies in y, or a mapping of weights by class, 1 for others; for several
            outputs or labels, a list of mappings. They multiply sample weights.
        out: a folder in which each `fit` writes the folder of a run; default: nothing is written.
        spec_keys: any keys of the spec, e.g. `optimizer__learning_rate=0.01` or
            `**{"optimizer.learning_rate": 0.01}`.

    Attributes:
        classes_: the sorted classes (classes,); for several outputs a list of them.
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

    _takes = ("classes", "binary")
    _other = "DeclnetRegressor"

    def __init__(
        self,
        spec: Any = None,
        *,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        class_weight: Any = None,
        out: Any = None,
        **spec_keys: Any,
    ) -> None:
        self.class_weight = class_weight
        super().__init__(
            spec,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            out=out,
            **spec_keys,
        )

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass over X and y, which are a part of the data.

        Args:
            X: as for `fit`.
            y: as for `fit`.
            classes: all classes, which the first call needs; for several outputs a list of them,
                for several labels nothing.
            sample_weight: (n,) the weights of the samples in the loss.

        Raises:
            ValueError: the spec or the data is invalid, or they do not fit each other.
            RunError: the training failed, e.g. by diverging.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which sees parts of the "
                "classes: pass compute_class_weight('balanced', ...) of all data as a mapping"
            )
        return self._partial_fit(X, y, sample_weight, _PassedClasses(classes, self))

    def predict(self, X: Any) -> Array:
        """Return the classes of the samples: (n,), or like y."""
        outputs = self._predictions(X)
        if not self._is_matrix:
            ((reading, predicted),) = outputs
            positions = self._positions(0, reading)[reading.labels(predicted.outputs)]
            classes: Array = self.classes_[positions]
            return classes
        if len(outputs) == 1:
            flags: Array = outputs[0][1].prediction
            return flags.astype(int).reshape(len(flags), -1)
        columns = [
            self._classes[at][self._positions(at, reading)[reading.labels(predicted.outputs)]]
            for at, (reading, predicted) in enumerate(outputs)
        ]
        return np.stack(columns, axis=1)

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Any:
        """Return the probabilities of the classes (n, classes), in the order of `classes_`.

        For several labels: (n, labels) the probability of each. For several outputs: a list.
        """
        outputs = self._predictions(X)
        probabilities = [
            np.asarray(predicted.probabilities)[:, np.argsort(self._positions(at, reading))]
            if reading.class_names is not None
            else np.asarray(predicted.probabilities)
            for at, (reading, predicted) in enumerate(outputs)
        ]
        if len(outputs) == 1:
            return probabilities[0]
        if self._are_labels:
            return np.stack([probability[:, 1] for probability in probabilities], axis=1)
        return probabilities

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`."""
        outputs = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            if isinstance(outputs, list):
                return [np.log(probabilities) for probabilities in outputs]
            return np.log(outputs)

    @available_if(_has_scores)
    def decision_function(self, X: Any) -> Array:
        """Return the scores of a network whose loss takes scores: (n, classes), or (n,) for two."""
        ((reading, predicted),) = self._predictions(X)
        scores = predicted.outputs.reshape(len(predicted), -1)
        if reading.class_names is None:
            return scores
        positions = self._positions(0, reading)
        if reading.task == "binary":
            signed: Array = scores[:, 0] - reading.threshold
            return signed if positions[1] == 1 else -signed
        ordered: Array = scores[:, np.argsort(positions)]
        return ordered[:, 1] - ordered[:, 0] if len(positions) == 2 else ordered

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: also several labels."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, X: Any, y: Any, classes: Any = None) -> Targets:
        array, names = labels_of(y, type(self).__name__)
        check_consistent_length(X, array)
        known = classes.by_column(array) if isinstance(classes, _PassedClasses) else None
        if array.ndim == 1:
            return Targets((_encoded(array, names[0], known[0] if known else None),))
        is_later = known is not None and "_classes" in vars(self)
        are_labels: bool = (
            self._are_labels  # a part may happen to hold the classes 0 and 1 only
            if is_later
            else type_of_target(array, input_name="y") == "multilabel-indicator"
        )
        columns = [
            _encoded(
                array[:, at].astype(int) if are_labels else array[:, at],
                name,
                np.arange(2) if are_labels else known[at] if known else None,
            )
            for at, name in enumerate(names)
        ]
        return Targets(tuple(columns), is_matrix=True, are_labels=are_labels)

    def _weights(self, sample_weight: Any, targets: Targets) -> Array | None:
        weights = super()._weights(sample_weight, targets)
        if self.class_weight is None:
            return weights
        by_class = class_weights(self.class_weight, targets)
        return by_class if weights is None else weights * by_class

    def _adopt(self, predictor: Predictor, targets: Targets | None, names: Sequence[str]) -> None:
        super()._adopt(predictor, targets, names)
        if targets is None:
            self._classes = [_classes_in(reading) for reading in predictor.readings]
            self._are_labels = predictor.readings[0].task == "flags"
        else:
            self._classes = [np.asarray(column.classes) for column in targets.columns]
            self._are_labels = targets.are_labels
        self.classes_: Any = self._classes if self._is_matrix else self._classes[0]
        if self._are_labels:
            self.classes_ = np.arange(
                predictor.readings[0].outputs if not targets else len(targets)
            )

    def _positions(self, at: int, reading: Any) -> Array:
        """Return the position in the classes of an output for each label of the network."""
        names = [class_name(label) for label in self._classes[at].tolist()]
        labels = reading.class_names or ()
        if {*labels} != {*names}:  # arrays whose classes have no names
            return np.arange(len(labels))
        return np.array([names.index(label) for label in labels])


class _PassedClasses:
    """The classes of `partial_fit`: those passed with the first call, later those from then.

    Args:
        classes: as passed.
    """

    def __init__(self, classes: Any, estimator: DeclnetClassifier) -> None:
        self._passed, self._fitted = classes, vars(estimator).get("_classes")

    def by_column(self, y: Array) -> list[Array]:
        """Return the classes of each column of y."""
        if self._fitted is not None:
            comparable = self._passed is not None and y.ndim == 1
            if comparable and not np.array_equal(np.unique(self._passed), self._fitted[0]):
                raise ValueError(
                    f"`classes={self._passed!r}` is not the same as on last call to partial_fit, "
                    f"was: {self._fitted[0]!r}"
                )
            return list(self._fitted)
        if y.ndim > 1 and type_of_target(y) == "multilabel-indicator":
            return [np.arange(2)] * y.shape[1]
        if self._passed is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        columns = self._passed if y.ndim > 1 else [self._passed]
        return [np.unique(np.asarray(classes)) for classes in columns]


def labels_of(y: Any, name: str) -> tuple[Array, list[str | None]]:
    """Return y as classes, (n,) or (n, outputs), and the names of its columns.

    Raises:
        ValueError: it is missing, holds NaN, or other things than classes.
    """
    array, names = target_array(y, name, numbers=False)
    if array.dtype.kind == "O":  # e.g. a column of integers
        kinds = {type(label) for label in array.ravel().tolist()}
        if type(None) in kinds:
            row = int(np.argmax((array == None).reshape(len(array), -1).any(axis=1)))  # noqa: E711
            raise ValueError(f"row {row} of y has no label")
        if len(kinds) == 1 and kinds <= {bool, int, str}:
            array = np.array(array.tolist())
    check_classification_targets(array)
    return array, names


def _encoded(labels: Array, name: str | None, classes: Array | None) -> Target:
    """Return labels (n,) as positions in their classes; by default those that occur.

    Raises:
        ValueError: there is only one class, or a label is not among the classes.
    """
    if classes is None:
        classes, positions = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                "a classifier needs at least two classes, but y has only one class, "
                f"{classes.tolist()[0]!r}"
            )
        return Target(name, positions, classes)
    positions = np.searchsorted(classes, labels)
    wrong = classes[np.minimum(positions, len(classes) - 1)] != labels
    if np.any(wrong):
        raise ValueError(f"`y` has classes not in `classes`: {np.unique(labels[wrong]).tolist()}")
    return Target(name, positions, classes)


def _classes_in(reading: Any) -> Array:
    if reading.classes is None:
        return np.arange(2)
    return np.unique(np.array(reading.classes))
