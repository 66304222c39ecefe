"""The operations on columns that pipelines consist of, and the first nodes of their networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto

from declnet import Array
from declnet_plugins.exchange import Feature, UnsupportedError
from declnet_plugins.onnx.importing.heads import attributes_of, linear
from declnet_plugins.onnx.importing.nodes import gemm

if TYPE_CHECKING:
    from declnet_plugins.onnx.importing.pipelines import Pipeline

Values = list[Feature]


@dataclass(frozen=True)
class Missing:
    """Whether texts are missing, as a LabelEncoder of the empty text computes it."""

    features: Values


def _same(p: Pipeline, node: Any) -> Values | Missing:
    return p.value(node.input[0])


def _cast(p: Pipeline, node: Any) -> Values | Missing:
    to_text = attributes_of(node).get("to") == TensorProto.STRING
    if to_text and any(f.is_number for f in p.features(node.input[0])):
        raise UnsupportedError("it writes numbers as text")
    return _same(p, node)


def _reshape(p: Pipeline, node: Any) -> Values | Missing:
    value = _same(p, node)
    count = len(value.features if isinstance(value, Missing) else value)
    shape = p.constant(node.input[1]).tolist()
    if shape not in ([-1, count], [0, count], [0, -1], [-1] if count == 1 else [-1, count]):
        raise UnsupportedError(f"it reshapes {count} columns to {shape}")
    return value


def _concat(p: Pipeline, node: Any) -> Values:
    if attributes_of(node).get("axis", 1) not in (1, -1):
        raise UnsupportedError("it does not join columns")
    return [feature for name in node.input for feature in p.features(name)]


def _selected(p: Pipeline, node: Any) -> Values:
    features, places = p.features(node.input[0]), p.constant(node.input[1]).ravel().tolist()
    axis = attributes_of(node).get("axis", 0) if node.op_type == "Gather" else 1
    if axis not in (1, -1) or not all(-len(features) <= at < len(features) for at in places):
        raise UnsupportedError("it does not select columns")
    return [features[at] for at in places]


def _scaler(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    offsets = _for_each(fields.get("offset") or [0.0], features)
    scales = _for_each(fields.get("scale") or [1.0], features)
    return [
        feature.affine(offset, 1 / scale if scale else np.inf)
        for feature, offset, scale in zip(features, offsets, scales, strict=True)
    ]


def _for_each(values: Any, features: Values) -> Sequence[Any]:
    """Return a value for each feature, of as many or of one."""
    listed = np.asarray(values).ravel().tolist()
    if len(listed) not in (1, len(features)):
        raise UnsupportedError(f"it has {len(listed)} numbers for {len(features)} columns")
    return listed * len(features) if len(listed) < len(features) else listed


def _arithmetic(p: Pipeline, node: Any) -> Values:
    first = not p.is_constant(node.input[0])
    features = p.features(node.input[0] if first else node.input[1])
    numbers = _for_each(p.constant(node.input[1] if first else node.input[0]), features)
    if node.op_type == "Div" and not first:
        raise UnsupportedError("it divides a constant")
    results = []
    for feature, number in zip(features, numbers, strict=True):
        match node.op_type:
            case "Mul":
                results.append(feature.affine(0.0, 1 / number if number else np.inf))
            case "Div":
                results.append(feature.affine(0.0, number))
            case "Add":
                results.append(feature.affine(-number, 1.0))
            case _:
                results.append(feature.affine(number, 1.0 if first else -1.0))
    return results


def _clip(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    names = [*node.input[1:], "", ""][:2]
    low, high = (
        float(p.constant(name)) if name else float(fields.get(key, default))
        for name, key, default in zip(names, ("min", "max"), (-np.inf, np.inf), strict=True)
    )
    return [feature.clip(low, high) for feature in features]


def _imputer(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    if not np.isnan(fields.get("replaced_value_float", 0.0)):
        raise UnsupportedError("it replaces numbers, not missing values")
    values = _for_each(fields.get("imputed_value_floats") or [], features)
    return [
        feature.impute(float(value), "mean")
        for feature, value in zip(features, values, strict=True)
    ]


def _where(p: Pipeline, node: Any) -> Values:
    features = p.features(node.input[2])
    if p.missing(node.input[0]) != features:
        raise UnsupportedError("it does not fill what its condition is about")
    values = _for_each(p.constant(node.input[1]), features)
    return [
        feature.impute(value, "most_frequent")
        for feature, value in zip(features, values, strict=True)
    ]


def _one_hot(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    if len(features) != 1:
        raise UnsupportedError(f"it encodes {len(features)} columns")
    categories = fields.get("cats_strings") or fields.get("cats_int64s") or []
    return features[0].one_hot(categories, unknown="zeros" if fields.get("zeros", 1) else "error")


def _label_encoder(p: Pipeline, node: Any) -> Values | Missing:
    features, fields = p.features(node.input[0]), attributes_of(node)
    keys = _first(fields, "keys_strings", "keys_int64s", "keys_floats", "keys_tensor")
    values = _first(fields, "values_int64s", "values_floats", "values_tensor")
    default = _first(fields, "default_int64", "default_float", "default_tensor")
    if keys is None or values is None:
        raise UnsupportedError("it does not encode as numbers")
    default = [-1 if "values_int64s" in fields else 0.0] if default is None else default
    (other,) = np.ravel(default).tolist()
    if keys == [""] and [*values] == [1] and other == 0:
        return Missing(features)
    return [feature.encode(keys, values, other) for feature in features]


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if name in fields), None)


OPERATIONS: dict[str, Callable[[Pipeline, Any], Values | Missing]] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
    **dict.fromkeys(("ArrayFeatureExtractor", "Gather"), _selected),
    **dict.fromkeys(("Identity", "Flatten"), _same),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "FeatureVectorizer": _concat,
    "Imputer": _imputer,
    "LabelEncoder": _label_encoder,
    "OneHotEncoder": _one_hot,
    "Reshape": _reshape,
    "Scaler": _scaler,
    "Where": _where,
}
"""What reads the nodes before the network."""


def _matmul(p: Pipeline, node: Any) -> tuple[Array, Array | None]:
    return p.constant(node.input[1]).astype(float), None


def _gemm(p: Pipeline, node: Any) -> tuple[Array, Array | None]:
    matrix, *others = (p.constant(name).astype(float) for name in node.input[1:] if name)
    weights, biases = gemm(attributes_of(node), matrix, next(iter(others), None))
    return weights, None if biases is None else np.broadcast_to(biases.ravel(), weights.shape[1])


def _linear_regressor(p: Pipeline, node: Any) -> tuple[Array, Array | None]:  # noqa: ARG001
    weights, biases, transform = linear(node)
    if transform != "NONE" or len(biases) != attributes_of(node).get("targets", 1):
        raise UnsupportedError(f"post_transform {transform} of {len(biases)} intercepts")
    return weights, biases


def _normalizer(p: Pipeline, node: Any) -> tuple[Array, Array | None]:
    norm = attributes_of(node).get("norm", "MAX")
    if norm != "L2":
        raise UnsupportedError(f"it divides each row by its {norm} norm; supported: L2")
    return np.eye(len(p.features(node.input[0]))), None


NETWORK: dict[str, Callable[[Pipeline, Any], tuple[Array, Array | None]]] = {
    "Gemm": _gemm,
    "LinearRegressor": _linear_regressor,
    "MatMul": _matmul,
    "Normalizer": _normalizer,
}
"""What returns the weights and biases of the first nodes of a network."""
