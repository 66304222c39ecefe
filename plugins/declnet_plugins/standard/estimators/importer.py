"""The importer of fitted scikit-learn estimators, for `declnet.sklearn.from_estimator`.

It reads their fitted attributes and imports nothing of scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from declnet import Array, DataError
from declnet_plugins.exchange import (
    ExportedPredictions,
    Feature,
    ImportedNetwork,
    Importer,
    LeftoverError,
    Prepared,
    PreparedTable,
    UnsupportedError,
    predictions_by_row,
)
from declnet_plugins.standard.estimators.transformers import TRANSFORMERS
from declnet_plugins.standard.importers import sections_for

ACTIVATIONS = {"identity": None, "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""The layers of the activations of scikit-learn's networks."""

LINEAR = (
    "LinearRegression",
    "Ridge",
    "RidgeCV",
    "Lasso",
    "LassoCV",
    "ElasticNet",
    "ElasticNetCV",
)
"""Regressors with `coef_` and `intercept_`."""


class EstimatorImporter(Importer):
    """Fitted estimators of scikit-learn: linear models and networks, after preprocessing."""

    type = "sklearn"
    reads_objects = True

    def read(self, source: Any) -> ImportedNetwork:
        """Return the network of a fitted estimator or pipeline."""
        module = type(source).__module__
        if not module.startswith("sklearn.") or not hasattr(source, "get_params"):
            raise DataError(
                f"the importer sklearn reads fitted scikit-learn estimators, not {shown(source)}",
                hint="in Python: declnet.sklearn.from_estimator(fitted)",
            )
        reading = Reading(source)
        try:
            return reading.network()
        except AttributeError as error:
            raise DataError(
                f"{shown(source)} lacks a fitted attribute: {error}", hint="fit it first"
            ) from None


def shown(source: Any) -> str:
    """Return what messages call an estimator."""
    return type(source).__name__


@dataclass
class Dense:
    """A linear map and the activation after it.

    Attributes:
        weights: (inputs, units).
        biases: (units,); None if there are none.
        activation: the type of a layer; None for none.
        origin: the estimator.
    """

    weights: Array
    biases: Array | None
    activation: str | None
    origin: str


@dataclass
class Reading:
    """The reading of an estimator.

    Attributes:
        source: the fitted estimator or pipeline.
        leftovers: the parts that are not supported.
    """

    source: Any
    leftovers: list[str] = field(default_factory=list)

    def network(self) -> ImportedNetwork:
        """Return the network.

        Raises:
            LeftoverError: parts of the estimator are not supported.
        """
        *steps, (_, final) = flat_steps(self.source)
        names = input_names(self.source)
        features = [Feature.of(Prepared(name, "number")) for name in names]
        is_normalized = bool(steps) and shown(steps[-1][1]) == "Normalizer"
        if is_normalized and (norm := steps.pop()[1].norm) != "l2":
            self.leftovers.append(f'Normalizer: its norm is "{norm}" (supported: "l2")')
        for name, step in steps:
            features = self._transformed(features, step, name, names)
        layers, classes = self._layers(final)
        table = None
        if not self.leftovers:
            try:
                table = PreparedTable.of(features)
            except UnsupportedError as error:
                self.leftovers.append(str(error))
        if table is None:
            raise LeftoverError(shown(self.source), tuple(self.leftovers))
        first = layers[0]
        if first.weights.shape[0] != len(features):
            raise DataError(
                f"{shown(final)} takes {first.weights.shape[0]} features, but gets {len(features)}"
            )
        if is_normalized:
            mixed = table.dense(np.eye(len(features)), None)
            layers.insert(0, Dense(*mixed, "rms_norm", "Normalizer"))
        else:
            first.weights, first.biases = table.dense(first.weights, first.biases)
        return self._network(table, layers, classes, names)

    def _network(
        self,
        table: PreparedTable,
        layers: Sequence[Dense],
        classes: Array | None,
        names: Sequence[str],
    ) -> ImportedNetwork:
        document, parameters, mapping = list[Any](), dict[str, Array](), dict[str, str]()
        dtype = np.result_type(*(layer.weights for layer in layers))
        dtype = np.dtype(np.float32 if dtype == np.float32 else np.float64)
        for number, layer in enumerate(layers, 1):
            name = f"dense_{number}"
            no_bias = {"use_bias": False} if layer.biases is None else {}
            document.append({"type": "dense", "units": layer.weights.shape[1], **no_bias})
            parameters[f"{name}.weights"] = np.ascontiguousarray(layer.weights, dtype)
            if layer.biases is not None:
                parameters[f"{name}.biases"] = np.ascontiguousarray(layer.biases, dtype)
            mapping[name] = layer.origin
            if layer.activation == "rms_norm":  # of a row, the Euclidean norm
                document.append({"type": "rms_norm", "epsilon": 1e-30})
                width = layer.weights.shape[1]
                parameters["rms_norm_1.scale"] = np.full(width, width**-0.5, dtype)
                mapping["rms_norm_1"] = layer.origin
            elif layer.activation is not None:
                document.append(layer.activation)
                count = 1 + sum(key.startswith(f"{layer.activation}_") for key in mapping)
                mapping[f"{layer.activation}_{count}"] = ""
        labels = None if classes is None else classes.tolist()
        model = {"dtype": str(dtype), "layers": document}
        last = layers[-1].activation or ""
        return ImportedNetwork(
            sections={**table.sections, **sections_for(model, {"": last})},
            inputs={},
            parameters=parameters,
            mapping=mapping,
            table=table.imported(
                labels,
                OriginalPredictor(self.source, names, hasattr(self.source, "feature_names_in_")),
            ),
        )

    def _transformed(
        self, features: list[Feature], step: Any, name: str, names: Sequence[str]
    ) -> list[Feature]:
        """Return the features after a step of a pipeline; note what is not supported."""
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return features
        kind = shown(step)
        if kind == "Pipeline":
            for part, inner in step.steps:
                features = self._transformed(features, inner, part, names)
            return features
        if kind == "ColumnTransformer":
            return self._by_columns(features, step)
        reader = TRANSFORMERS.get(kind) if type(step).__module__.startswith("sklearn.") else None
        if reader is None:
            known = ", ".join(("ColumnTransformer", *TRANSFORMERS))
            self.leftovers.append(f'{kind} "{name}" (supported: {known})')
            return features
        try:
            return reader(features, step)
        except UnsupportedError as error:
            self.leftovers.append(f'{kind} "{name}": {error}')
            return features

    def _by_columns(self, features: list[Feature], step: Any) -> list[Feature]:
        if step.transformer_weights:
            self.leftovers.append("ColumnTransformer: it has transformer_weights")
        names = [*getattr(step, "feature_names_in_", ())]
        joined = list[Feature]()
        for name, transformer, columns in step.transformers_:
            if isinstance(transformer, str) and transformer == "drop":
                continue
            part = [features[at] for at in positions_of(columns, names, len(features))]
            if part:
                joined += self._transformed(part, transformer, name, names)
        return joined

    def _layers(self, final: Any) -> tuple[list[Dense], Array | None]:
        """Return the layers of the last step, and its classes; None for values."""
        kind = shown(final)
        if type(final).__module__.startswith("sklearn."):
            if kind in LINEAR:
                return self._linear(final), None
            if kind in ("LogisticRegression", "LogisticRegressionCV"):
                return self._logistic(final, coefficients_of(final), final.intercept_)
            if kind == "OneVsRestClassifier":
                return self._one_against_rest(final)
            if kind in ("MLPClassifier", "MLPRegressor"):
                return self._perceptron(final)
        known = f"{', '.join(LINEAR)}, LogisticRegression, OneVsRestClassifier of it, "
        self.leftovers.append(f"{kind} (supported: {known}MLPClassifier, MLPRegressor)")
        return [], None

    def _linear(self, final: Any) -> list[Dense]:
        coefficients = coefficients_of(final)
        if len(coefficients) > 1:
            self.leftovers.append(f"{shown(final)}: it predicts {len(coefficients)} targets")
        biases = np.broadcast_to(np.asarray(final.intercept_), (len(coefficients),))
        return [Dense(coefficients.T, biases, None, shown(final))]

    def _logistic(
        self, final: Any, coefficients: Array, intercepts: Any
    ) -> tuple[list[Dense], Array]:
        biases = np.broadcast_to(np.asarray(intercepts), (len(coefficients),))
        if len(coefficients) == 1:
            return [Dense(coefficients.T, biases, "sigmoid", shown(final))], final.classes_
        is_ovr = getattr(final, "multi_class", "") == "ovr" or (
            getattr(final, "solver", "") == "liblinear" or shown(final) == "OneVsRestClassifier"
        )
        if not is_ovr:
            return [Dense(coefficients.T, biases, "softmax", shown(final))], final.classes_
        # softmax(-softplus(-z)) = sigmoid(z) / sum(sigmoid(z))
        minus = Dense(-np.eye(len(coefficients), dtype=coefficients.dtype), None, "softmax", "")
        first = Dense(-coefficients.T, -biases, "softplus", shown(final))
        return [first, minus], final.classes_

    def _one_against_rest(self, final: Any) -> tuple[list[Dense], Array | None]:
        estimators = final.estimators_
        if final.multilabel_ or any(shown(one) != "LogisticRegression" for one in estimators):
            self.leftovers.append("OneVsRestClassifier: it is not of LogisticRegression alone")
            return [], None
        coefficients = np.concatenate([coefficients_of(one) for one in estimators])
        intercepts = np.concatenate([np.ravel(one.intercept_) for one in estimators])
        return self._logistic(final, coefficients, intercepts)

    def _perceptron(self, final: Any) -> tuple[list[Dense], Array | None]:
        hidden, last = ACTIVATIONS[final.activation], final.out_activation_
        count = len(final.coefs_)
        layers = [
            Dense(weights, biases, hidden if at < count else None, shown(final))
            for at, (weights, biases) in enumerate(
                zip(final.coefs_, final.intercepts_, strict=True), 1
            )
        ]
        layers[-1].activation = {"softmax": "softmax", "logistic": "sigmoid"}.get(last)
        if last != "softmax" and final.n_outputs_ > 1:
            self.leftovers.append(f"{shown(final)}: it predicts {final.n_outputs_} targets")
        return layers, getattr(final, "classes_", None)


def coefficients_of(final: Any) -> Array:
    """Return the coefficients of a linear model (units, features), also after `sparsify`."""
    coefficients = final.coef_
    if hasattr(coefficients, "toarray"):
        coefficients = coefficients.toarray()
    return np.atleast_2d(coefficients)


def flat_steps(source: Any) -> list[tuple[str, Any]]:
    """Return a pipeline's steps, including the steps of nested last ones; else the estimator."""
    if shown(source) != "Pipeline":
        return [("", source)]
    *steps, (_, last) = source.steps
    return [*steps, *flat_steps(last)]


def input_names(source: Any) -> list[str]:
    """Return the names of the columns, `x0`, `x1`, … if the estimator has seen none."""
    names = getattr(source, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    return [f"x{at}" for at in range(source.n_features_in_)]


def positions_of(columns: Any, names: Sequence[str], count: int) -> list[int]:
    """Return the positions that a ColumnTransformer selects."""
    if isinstance(columns, slice):
        ends = [
            names.index(end) if isinstance(end, str) else end
            for end in (columns.start, columns.stop)
        ]
        by_name = isinstance(columns.stop, str)
        return [*range(count)[ends[0] : ends[1] + 1 if by_name else ends[1] : columns.step]]
    listed = [columns] if isinstance(columns, str | int | np.integer) else [*columns]
    if listed and isinstance(listed[0], bool | np.bool_):
        return [at for at, chosen in enumerate(listed) if chosen]
    return [
        names.index(column) if isinstance(column, str) else range(count)[column]
        for column in listed
    ]


@dataclass(frozen=True)
class OriginalPredictor:
    """What a fitted estimator predicts for raw columns.

    Attributes:
        source: the estimator.
        names: the names of its columns.
        takes_frame: whether it was fitted to a data frame.
    """

    source: Any
    names: Sequence[str]
    takes_frame: bool

    def __call__(self, columns: Mapping[str, Array]) -> Mapping[str, ExportedPredictions]:
        """Return the predictions; a row that the estimator refuses is not valid."""
        count = len(next(iter(columns.values())))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            predictions = predictions_by_row(lambda rows: self._predictions(columns, rows), count)
        return {"": predictions}

    def _predictions(self, columns: Mapping[str, Array], rows: slice) -> tuple[Array, Array]:
        x = self._samples(columns, rows)
        predicted = np.asarray(self.source.predict(x))
        if not hasattr(self.source, "classes_"):
            return predicted.reshape(len(predicted), -1), predicted
        probabilities = np.asarray(self.source.predict_proba(x))
        return (probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities), predicted

    def _samples(self, columns: Mapping[str, Array], rows: slice) -> Any:
        """Return rows as the estimator takes them; columns that it does not use hold zeros."""
        count = len(next(iter(columns.values()))[rows])
        arrays = {}
        for name in self.names:
            array = columns[name][rows] if name in columns else np.zeros(count)
            if array.dtype.kind == "O":
                array = np.array([np.nan if cell is None else cell for cell in array], object)
            arrays[name] = array
        if self.takes_frame:
            import pandas as pd

            return pd.DataFrame(arrays)
        kind = object if any(array.dtype.kind == "O" for array in arrays.values()) else float
        return np.stack([array.astype(kind) for array in arrays.values()], axis=1)
