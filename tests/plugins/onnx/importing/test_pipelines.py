"""Pipelines of ONNX-ML operators become preparation, network and classes, or are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from declnet import DataError, default_registry, load_predictor, open_run
from declnet_plugins.exchange import LeftoverError, export, import_network

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.importing import conversion  # noqa: E402
from declnet_plugins.onnx.importing.importer import OnnxImporter  # noqa: E402

from .fuzzed import DirectImporter  # noqa: E402
from .pipelines import (  # noqa: E402
    FLOAT,
    INT64,
    STRING,
    binary,
    classifier,
    graph_of,
    node,
    regression,
)

CSV = """size,city,age,pay,note
1,Rome,31.5,20,a
5,Paris,,45,b
2,Bern,1e6,,c
7,,55,-30,d
"""
"""Reordered columns and an additional one, with unknown categories, gaps and an extreme."""


def saved(model, path):
    onnx.save(model, path)
    return path


def predicted_by_onnxruntime(path, **columns):
    model = onnx.load(path)
    del model.graph.output[:]
    for name in ("label", "probabilities"):
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    session = ort.InferenceSession(model.SerializeToString())
    feeds = {name: np.array(column)[:, None] for name, column in columns.items()}
    return session.run(None, feeds)


def test_a_classifier_predicts_csv_by_the_names_of_its_columns(declnet_cli, tmp_path):
    path = saved(classifier(), tmp_path / "m.onnx")
    done = declnet_cli("import", "m.onnx", "-o", "model")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:5]] == [
        *("impute", "one_hot", "standardize", "dense_1", "softmax_1"),
    ]
    assert "the same for 13 rows with missing, unknown or extreme cells" in lines[5]
    (tmp_path / "rows.csv").write_text(CSV)
    done = declnet_cli("predict", "model", "rows.csv")
    header, *rows = [line.split(",") for line in done.stdout.splitlines()]
    assert header == ["prediction", "probability_low", "probability_mid", "probability_top"]
    labels, expected = predicted_by_onnxruntime(
        path,
        age=np.float32([31.5, np.nan, 1e6, 55]),
        pay=np.float32([20, 45, np.nan, -30]),
        city=np.array(["Rome", "Paris", "Bern", ""], object),
        size=np.array([1, 5, 2, 7]),
    )
    assert [row[0] for row in rows] == labels.tolist()
    computed = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(computed, expected, rtol=1e-5, atol=1e-6)
    states = open_run(tmp_path / "model").predictor().preparation.steps[2].states
    assert states["pay"] == {"mean": 30.0, "std": pytest.approx(20)}


def test_two_classes_are_one_unit_and_rows_of_a_matrix_are_columns(tmp_path):
    path = saved(binary(), tmp_path / "m.onnx")
    importer = DirectImporter(columns=("a", "b c", "d"))
    summary = import_network(importer, path, tmp_path / "model", default_registry())
    assert [*summary.types.values()] == ["rms_norm", "dense", "sigmoid"]
    predictor = load_predictor(tmp_path / "model")
    rows = np.array([[1.0, 2, -3], [0, 0, 0], [1e8, 1, 1], [-4, 1, 0.5]])
    predicted = predictor.predict(dict(zip(("a", "b c", "d"), rows.T, strict=True)))
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1), 1e-30)[:, None]
    second = 1 / (1 + np.exp(-(unit @ [1, -2, -0.5] - 0.25)))
    np.testing.assert_allclose(predicted.probabilities[:, 1], second, rtol=1e-6)
    assert predicted.prediction.tolist() == np.where(second > 0.5, 7, 3).tolist()
    result = export(open_run(tmp_path / "model"), tmp_path / "model.py")
    assert result.difference < 1e-6


@pytest.mark.parametrize(
    ("factor", "bias", "loss"),
    [
        (1.0, 30.0, "binary_crossentropy"),
        (1e5, 0.0, "binary_crossentropy"),
        (1e-3, 2000.0, "binary_crossentropy"),
        (2.0, 30.0, "categorical_crossentropy"),
    ],
)
def test_sigmoids_and_softmax_are_told_apart_far_from_0(factor, bias, loss, tmp_path):
    weights = factor * np.array([1.0, -2.0, -0.5])
    coefficients, is_softmax = [*-weights, *weights], loss.startswith("categorical")
    intercepts, kind = [-bias, bias], "SOFTMAX" if is_softmax else "LOGISTIC"
    model = binary(coefficients=coefficients, intercepts=intercepts, post_transform=kind)
    _, message, _ = conversion.convert(saved(model, tmp_path / "m.onnx"), ())
    assert message["sections"]["loss"]["type"] == loss


def test_several_sigmoids_of_one_map_are_shares(tmp_path):
    weights = np.array([[1.0, -2.0, 0.5], [0.5, 1.0, -1.0]])
    nodes = [
        node(
            "LinearClassifier",
            "x",
            "label scores",
            coefficients=weights.T.ravel().tolist(),
            intercepts=[0.5, 0.0, -1.0],
            classlabels_ints=[3, 5, 7],
            post_transform="LOGISTIC",
        ),
        node("Normalizer", "scores", "probabilities", norm="L1"),
    ]
    outputs = {"label": INT64, "probabilities": FLOAT}
    path = saved(graph_of(nodes, {"x": (FLOAT, 2)}, outputs), tmp_path / "m.onnx")
    columns = DirectImporter(columns=("a", "b"))
    import_network(columns, path, tmp_path / "model", default_registry())
    rows = np.array([[1.0, 2.0], [0.0, 0.0], [-3.0, 1.0]])
    predicted = load_predictor(tmp_path / "model").predict(dict(zip("ab", rows.T, strict=True)))
    sigmoids = 1 / (1 + np.exp(-(rows @ weights + [0.5, 0.0, -1.0])))
    expected = sigmoids / sigmoids.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predicted.probabilities, expected, rtol=1e-5)


def test_values_are_clipped_and_dropped_categories_have_no_weight(tmp_path):
    path = saved(regression(), tmp_path / "m.onnx")
    summary = import_network(DirectImporter(), path, tmp_path / "model", default_registry())
    assert dict(summary.prepared) == {"min_max": "x", "one_hot": "kind"}
    predictor = load_predictor(tmp_path / "model")
    predicted = predictor.predict({"x": [2.0, 4.0, 1e9, 3.0], "kind": [0, 4, 9, 4]})
    expected = [1.5, 1.5 + 1 - 3, 1.5 + 2 + 5, -1.0]
    np.testing.assert_allclose(predicted.prediction, expected, rtol=1e-6)
    with pytest.raises(DataError, match='"kind" is "5"'):
        predictor.predict({"x": [2.0], "kind": [5]})


MATRIX = {"x": (FLOAT, 2)}
PRODUCT = node("LinearRegressor", "f", "y", coefficients=[1.0, 1.0], intercepts=[0.0])
REFUSED = {
    "Normalizer unit: it divides each row by its MAX norm": graph_of(
        [node("Normalizer", "x", "unit"), node("MatMul", "unit w", "y")],
        *(MATRIX, {"y": FLOAT}, {"w": np.ones((2, 1), np.float32)}),
    ),
    "Binarizer f (supported: Scaler, Imputer,": graph_of(
        [node("Binarizer", "x", "f"), PRODUCT], MATRIX, {"y": FLOAT}
    ),
    "Imputer f: it replaces numbers": graph_of(
        [node("Imputer", "x", "f", imputed_value_floats=[1.0], replaced_value_float=-1.0), PRODUCT],
        *(MATRIX, {"y": FLOAT}),
    ),
    "LabelEncoder a: it does not encode as numbers": graph_of(
        [
            node("LabelEncoder", "t", "a", keys_strings=["b"], values_strings=["c"]),
            node("OneHotEncoder", "a", "f", cats_strings=["c", "d"]),
            PRODUCT,
        ],
        *({"t": (STRING, 1)}, {"y": FLOAT}),
    ),
    'LinearRegressor y: the column "x0" is prepared in two ways': graph_of(
        [
            node("Scaler", "x", "s", offset=[1.0], scale=[2.0]),
            node("Concat", "x s", "f", axis=1),
            node("LinearRegressor", "f", "y", coefficients=[1.0] * 4, intercepts=[0.0]),
        ],
        *(MATRIX, {"y": FLOAT}),
    ),
    "the category ' b' has spaces": graph_of(
        [node("OneHotEncoder", "t", "f", cats_strings=["a", " b"]), PRODUCT],
        *({"t": (STRING, 1)}, {"y": FLOAT}),
    ),
    "Gather f: it does not select columns": graph_of(
        [node("Gather", "x rows", "f"), PRODUCT], MATRIX, {"y": FLOAT}, {"rows": np.array([0, 1])}
    ),
    "Gather g: it does not select columns": graph_of(
        [
            node("Gather", "x at", "g", axis=1),
            node("LinearRegressor", "g", "y", coefficients=[1.0, 1.0], intercepts=[0.0]),
        ],
        *(MATRIX, {"y": FLOAT}, {"at": np.array([0, 5])}),
    ),
    "Clip f: it clips to -inf and inf": graph_of(
        [node("Clip", "x", "f"), PRODUCT], MATRIX, {"y": FLOAT}
    ),
    "post_transform PROBIT": regression(post_transform="PROBIT"),
    "TreeEnsembleRegressor y (supported": graph_of(
        [node("TreeEnsembleRegressor", "x", "y")], MATRIX, {"y": FLOAT}
    ),
    "it has 2 outputs of numbers": graph_of(
        [node("Scaler", "x", "y"), node("Scaler", "x", "z")], MATRIX, {"y": FLOAT, "z": FLOAT}
    ),
    "LinearClassifier label: no layer computes its probabilities (supported: Softmax, ": binary(
        post_transform="NONE"
    ),
    "LinearClassifier label: no layer computes its": binary(intercepts=[float("nan"), 0.0]),
    "it predicts [2] numbers": regression(coefficients=[1.0] * 6, intercepts=[0.0, 1.0], targets=2),
}


@pytest.mark.parametrize("message", REFUSED)
def test_anything_else_is_refused_by_name(message, tmp_path):
    path = saved(REFUSED[message], tmp_path / "m.onnx")
    with pytest.raises(LeftoverError) as caught:
        conversion.convert(path, ())
    assert message in str(caught.value)


def test_the_number_of_columns_must_match_the_file(tmp_path):
    path = saved(binary(), tmp_path / "m.onnx")
    with pytest.raises(LeftoverError, match="3 columns, not 2"):
        import_network(DirectImporter(columns=("a", "b")), path, None, default_registry())


class Misreading(OnnxImporter):
    """An importer that misreads a part of the file."""

    type = "misreading"
    part: str

    def read(self, source):
        network = DirectImporter().read(source)
        if self.part == "unknown":
            steps = network.sections["data"]["prepare"]
            changed = [step | ({"unknown": "error"} if "unknown" in step else {}) for step in steps]
            sections = {**network.sections, "data": {"prepare": changed}}
            return replace(network, sections=sections)
        if self.part == "classes":
            rows = network.table.rows
            classes = {name: names[::-1] for name, names in rows.classes.items()}
            rows = replace(rows, classes=classes)
            return replace(network, table=replace(network.table, rows=rows))
        weights = network.parameters["dense_1.weights"]
        weights[0, 0] += 0.01
        return network


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("unknown", r"which of 13 odd rows can be predicted, e\.g\. .*city = \N{WHITE SQUARE}"),
        ("classes", "the class of 256 of 256 rows"),
        ("weights", "of the largest number"),
    ],
)
def test_an_import_that_differs_is_not_written(part, message, tmp_path):
    path = saved(classifier(), tmp_path / "m.onnx")
    with pytest.raises(DataError, match=f"differ from the original's: .*{message}"):
        import_network(Misreading(part=part), path, tmp_path / "model", default_registry())
    assert not (tmp_path / "model").exists()
