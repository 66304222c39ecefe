"""Small pipelines of ONNX-ML operators, as skl2onnx writes them."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING
NAN = {"replaced_value_float": float("nan")}
ML_OPERATORS = frozenset(
    {
        *("ArrayFeatureExtractor", "Binarizer", "FeatureVectorizer", "Imputer", "LabelEncoder"),
        *("LinearClassifier", "LinearRegressor", "Normalizer", "OneHotEncoder", "Scaler"),
        *("TreeEnsembleRegressor", "ZipMap"),
    }
)


def node(operator, inputs, outputs, **attributes):
    domain = ML if operator in ML_OPERATORS else ""
    outputs = outputs.split()
    return helper.make_node(
        operator, inputs.split(), outputs, outputs[0], domain=domain, **attributes
    )


def graph_of(nodes, inputs, outputs, arrays=None):
    """Return a model; inputs are (type, columns) by name, outputs are types by name."""
    stored = [
        numpy_helper.from_array(np.asarray(value), name) for name, value in (arrays or {}).items()
    ]
    graph = helper.make_graph(
        nodes,
        "pipeline",
        [
            helper.make_tensor_value_info(name, kind, ["n", count])
            for name, (kind, count) in inputs.items()
        ],
        [
            helper.make_tensor_value_info(name, kind, None)
            if kind
            else helper.make_empty_tensor_value_info(name)
            for name, kind in outputs.items()
        ],
        stored,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def classifier():
    """Return a model of numbers, texts and integers, with three classes."""
    weights = np.linspace(-1, 1, 18).tolist()
    nodes = [
        node("Concat", "age pay", "numbers", axis=1),
        node("Imputer", "numbers", "filled", imputed_value_floats=[40.0, 30.0], **NAN),
        node("Scaler", "filled", "scaled", offset=[40.0, 30.0], scale=[0.1, 0.05]),
        node("OneHotEncoder", "city", "hot", cats_strings=["Bern", "Oslo", "Rome"], zeros=1),
        node("Reshape", "hot three", "cities"),
        node("LabelEncoder", "size", "code", keys_int64s=[1, 2, 5], values_int64s=[0, 1, 2]),
        node("Cast", "code", "sizes", to=FLOAT),
        node("Concat", "scaled cities sizes", "features", axis=1),
        node(
            "LinearClassifier",
            "features",
            "label scores",
            coefficients=weights,
            intercepts=[0.1, 0.0, -0.1],
            classlabels_strings=["low", "mid", "top"],
            post_transform="SOFTMAX",
        ),
        node("Normalizer", "scores", "probabilities", norm="L1"),
        node("ZipMap", "probabilities", "maps", classlabels_strings=["low", "mid", "top"]),
    ]
    inputs = {"age": (FLOAT, 1), "pay": (FLOAT, 1), "city": (STRING, 1), "size": (INT64, 1)}
    return graph_of(nodes, inputs, {"label": STRING, "maps": None}, {"three": np.array([-1, 3])})


def binary(**changes):
    """Return a model of a matrix, scaled to its Euclidean norm, with the classes 3 and 7."""
    fields = {
        "coefficients": [-1.0, 2.0, 0.5, 1.0, -2.0, -0.5],
        "intercepts": [0.25, -0.25],
        "classlabels_ints": [3, 7],
        "post_transform": "LOGISTIC",
    }
    nodes = [
        node("Normalizer", "x", "unit", norm="L2"),
        node("LinearClassifier", "unit", "label probabilities", **fields | changes),
    ]
    return graph_of(nodes, {"x": (FLOAT, 3)}, {"label": INT64, "probabilities": FLOAT})


def regression(operator="LinearRegressor", **changes):
    """Return a model that clips, and drops a category."""
    fields = {"coefficients": [2.0, -3.0, 5.0], "intercepts": [1.5]}
    nodes = [
        node("Mul", "x factor", "product"),
        node("Add", "product offset", "sum"),
        node("Clip", "sum zero one", "range"),
        node("OneHotEncoder", "kind", "hot", cats_int64s=[0, 4, 9], zeros=0),
        node("Gather", "hot places", "kept", axis=-1),
        node("Reshape", "kept two", "kinds"),
        node("Concat", "range kinds", "features", axis=1),
        node(operator, "features", "y", **fields | changes),
    ]
    arrays = {
        "factor": np.float32([0.25]),
        "offset": np.float32([-0.5]),
        "zero": np.float32(0),
        "one": np.float32(1),
        "places": np.array([1, 2]),
        "two": np.array([-1, 2]),
    }
    return graph_of(nodes, {"x": (FLOAT, 1), "kind": (INT64, 1)}, {"y": FLOAT}, arrays)
