"""scikit-learn's transformers as operations on features, by what they learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from declnet_plugins.exchange import Feature, UnsupportedError


def _of_texts(feature: Feature, values: Any) -> Feature:
    """Return a feature of texts if what an estimator learned from it is text."""
    if any(isinstance(value, str) for value in values):
        column = feature.prepared
        if column.kind == "number" and not column.steps:
            return Feature.of(column._replace(kind="text"))
    return feature


def _scaled(features: Sequence[Feature], means: Any, stds: Any) -> list[Feature]:
    means = np.zeros(len(features)) if means is None else means
    stds = np.ones(len(features)) if stds is None else stds
    return [
        feature.affine(float(mean), float(std))
        for feature, mean, std in zip(features, means, stds, strict=True)
    ]


def _min_max(features: list[Feature], step: Any) -> list[Feature]:
    scaled = _scaled(features, -step.min_ / step.scale_, 1 / step.scale_)
    low, high = step.feature_range
    return [feature.clip(low, high) for feature in scaled] if step.clip else scaled


def _imputed(features: list[Feature], step: Any) -> list[Feature]:
    missing = step.missing_values
    if not (isinstance(missing, float) and np.isnan(missing)):
        raise UnsupportedError(f"missing values are {missing!r}, not NaN")
    if step.add_indicator:
        raise UnsupportedError("it has add_indicator")
    imputed = []
    for feature, value in zip(features, step.statistics_, strict=True):
        fill = value if isinstance(value, str) else float(value)
        typed = _of_texts(feature, [fill])
        imputed.append(typed.impute(fill, step.strategy))
    return imputed


def _encoded(features: list[Feature], step: Any) -> list[Feature]:
    if step.handle_unknown not in ("error", "ignore"):
        raise UnsupportedError(f'handle_unknown is "{step.handle_unknown}"')
    _require_no_rare(step)
    unknown = "error" if step.handle_unknown == "error" else "zeros"
    dropped = [None] * len(features) if step.drop_idx_ is None else step.drop_idx_
    encoded = list[Feature]()
    for feature, categories, drop in zip(features, step.categories_, dropped, strict=True):
        typed = _of_texts(feature, categories)
        parts = typed.one_hot(categories, unknown=unknown)
        if len(parts) == 1 and drop is not None:
            raise UnsupportedError(f"it drops the only category {categories[0]!s}")
        encoded += [part for at, part in enumerate(parts) if at != drop]
    return encoded


def _ordinal(features: list[Feature], step: Any) -> list[Feature]:
    _require_no_rare(step)
    default = step.unknown_value if step.handle_unknown == "use_encoded_value" else None
    return [
        _of_texts(feature, categories).encode(categories, range(len(categories)), default)
        for feature, categories in zip(features, step.categories_, strict=True)
    ]


def _unchanged(features: list[Feature], step: Any) -> list[Feature]:
    if step.func is not None:
        raise UnsupportedError("it calls a function")
    return features


def _require_no_rare(step: Any) -> None:
    if getattr(step, "min_frequency", None) or getattr(step, "max_categories", None):
        raise UnsupportedError("it groups infrequent categories")


TRANSFORMERS: Mapping[str, Callable[[list[Feature], Any], list[Feature]]] = {
    "StandardScaler": lambda features, step: _scaled(
        features, step.mean_ if step.with_mean else None, step.scale_
    ),
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": lambda features, step: _scaled(features, None, step.scale_),
    "RobustScaler": lambda features, step: _scaled(features, step.center_, step.scale_),
    "FunctionTransformer": _unchanged,
    "SimpleImputer": _imputed,
    "OneHotEncoder": _encoded,
    "OrdinalEncoder": _ordinal,
}
"""What reads each transformer."""
