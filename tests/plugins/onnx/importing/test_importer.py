"""Networks from ONNX files: declnet's, PyTorch's, and some that no layer can represent."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import (
    build_model,
    default_registry,
    load_spec,
    open_run,
    parse_spec,
    run,
)
from declnet_plugins.exchange import LeftoverError, export, import_network

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.importing.importer import OnnxImporter  # noqa: E402

from .hostile import model_of  # noqa: E402

ACTIVATIONS = ("elu", "selu", "leaky_relu", "softplus", "hard_sigmoid", "tanh", "silu", "mish")

NETWORKS = {
    "activations": (
        (5,),
        [
            layer
            for activation in (*ACTIVATIONS, "gelu", {"type": "gelu", "approximation": "tanh"})
            for layer in ({"type": "dense", "units": 6}, activation)
        ],
    ),
    "images": (
        (2, 9, 8),
        [
            {"type": "conv2d", "filters": 4, "kernel_size": 3, "stride": 2, "padding": "same"},
            "batch_norm",
            "relu",
            {"type": "max_pool2d", "pool_size": 2, "stride": 1},
            {"type": "conv2d", "filters": 4, "kernel_size": 2, "groups": 2, "use_bias": False},
            {"type": "prelu"},
            {"type": "average_pool2d", "pool_size": 2, "padding": 1},
            {"type": "conv2d_transpose", "filters": 3, "kernel_size": 3, "stride": 2},
            "global_average_pool2d",
            {"type": "dense", "units": 3, "use_bias": False},
            "softmax",
        ],
    ),
    "sequences": (
        (6, 3),
        [
            {"type": "gru", "units": 4, "bidirectional": True, "return_sequences": True},
            {"type": "lstm", "units": 5, "return_sequences": True, "use_bias": False},
            {"type": "dense", "units": 5, "use_bias": False},
            {"type": "layer_norm", "axes": 1},
            {"type": "simple_rnn", "units": 4, "activation": "relu", "bidirectional": True},
            {"type": "dense", "units": 1},
            "sigmoid",
        ],
    ),
    "residual": (
        (4,),
        [
            {"type": "dense", "units": 4, "name": "first"},
            "relu",
            {"type": "dense", "units": 4, "name": "second"},
            {"type": "add", "inputs": ["first", "second"], "name": "sum"},
            {"type": "concatenate", "inputs": ["sum", "first", "input"]},
            {"type": "multiply", "inputs": ["concatenate_1", "concatenate_1"]},
            {"type": "dense", "units": 2},
        ],
    ),
}


def import_file(path, out, importer=None):
    return import_network(importer or OnnxImporter(), path, out, default_registry())


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_exported_by_declnet_round_trip(name, tmp_path):
    shape, layers = NETWORKS[name]
    document = {
        "declnet": 1,
        "model": {"layers": layers},
        "loss": "mean_squared_error",
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 5},
    }
    spec, rng = parse_spec(document), np.random.default_rng(1)
    x = rng.normal(size=(7, *shape)).astype(np.float32)
    y = rng.normal(size=(7, *build_model(spec.model, shape).output_shape))
    model = run(spec, data=(x, y), out=tmp_path / "run").model
    # probabilities of 1e-6 are 0 in onnxruntime
    export(open_run(tmp_path / "run"), tmp_path / "m.onnx", allow_difference=True)
    imported = import_file(tmp_path / "m.onnx", tmp_path / "back")
    assert imported.difference < 2e-6
    assert [*imported.types.values()] == [node.layer.type for node in model.nodes]
    again = build_model(load_spec(tmp_path / "back" / "spec.toml").model, shape)
    assert len(again.parameters()) == len(model.parameters())
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-5, atol=1e-6)


def test_all_operators_without_a_layer_are_listed(tmp_path):
    nodes = [
        ("LogSoftmax", "x", "a"),
        ("Relu", "a", "b"),
        ("CumSum", "x axis", "c"),
        ("Add", "b c", "y"),
    ]
    model = model_of(nodes, [("axis", [1], np.int64)])
    model.graph.node[0].name, model.graph.node[2].name = "first", "second"
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(LeftoverError) as caught:
        OnnxImporter().read(tmp_path / "m.onnx")
    assert caught.value.leftovers == ("LogSoftmax first", "CumSum second")


@pytest.mark.parametrize(("alpha", "reads"), [(1 / 6, True), (0.2, False)])
def test_a_hard_sigmoid_has_the_slope_of_the_layer(tmp_path, alpha, reads):
    onnx.save(model_of([("HardSigmoid", "x", "y", {"alpha": alpha})]), tmp_path / "m.onnx")
    if reads:
        OnnxImporter().read(tmp_path / "m.onnx")
    else:
        with pytest.raises(LeftoverError, match=r"its slope is 0\.2; hard_sigmoid has 1/6"):
            OnnxImporter().read(tmp_path / "m.onnx")


def test_a_scaler_is_an_affine_layer_that_is_not_trained(tmp_path):
    nodes = [
        ("Sub", "x mean", "a"),
        ("Div", "a std", "b"),
        ("MatMul", "b w", "c"),
        ("Add", "c bias", "y"),
    ]
    arrays = [("mean", [1, 2, 3, 4]), ("std", [2, 1, 4, 5]), ("w", np.eye(4)), ("bias", [7])]
    onnx.save(model_of(nodes, arrays), tmp_path / "m.onnx")
    assert import_file(tmp_path / "m.onnx", tmp_path / "m.toml").difference < 2e-6
    spec = load_spec(tmp_path / "m.toml")
    layers = spec.model.layers
    assert [layer.type for layer in layers] == ["batch_norm", "dense"]
    x = np.array([[1e3, 2e3, 3e3, 4e3]])
    expected = (x - arrays[0][1]) / arrays[1][1] + 7
    np.testing.assert_allclose(build_model(spec.model, (4,)).predict(x), expected, rtol=1e-6)
    assert layers[0].trainable is False


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_peepholes_must_be_zero(value, tmp_path):
    inputs = ["t", "w", "r", "", "", "", "", "p"]
    lstm = onnx.helper.make_node("LSTM", inputs, ["y"], hidden_size=2)
    nodes = [("Transpose", "x", "t", {"perm": [1, 0, 2]}), lstm]
    arrays = [("w", np.ones((1, 8, 3))), ("r", np.ones((1, 8, 2))), ("p", np.full((1, 6), value))]
    onnx.save(model_of(nodes, arrays, ("n", 5, 3)), tmp_path / "m.onnx")
    with pytest.raises(LeftoverError) as caught:
        OnnxImporter().read(tmp_path / "m.onnx")
    assert ("it starts from states other than 0, or has peepholes" in str(caught.value)) == (
        value > 0
    )


@pytest.mark.parametrize("axis", [1, 2])
def test_only_the_axis_of_one_direction_is_dropped(axis, tmp_path):
    swap = {"perm": [1, 0, 2]}
    nodes = [
        ("Transpose", "x", "t", swap),
        ("LSTM", "t w r", "h", {"hidden_size": 1}),
        ("Squeeze", "h axis", "s"),
        ("Transpose", "s", "y", swap),
    ]
    weights = np.linspace(-1, 1, 12).reshape(1, 4, 3)
    axes = onnx.numpy_helper.from_array(np.array([axis if axis == 1 else 3]), "axis")
    model = model_of(nodes, [("w", weights), ("r", weights[:, :, :1]), axes], ("n", 5, 3))
    onnx.save(model, tmp_path / "m.onnx")
    if axis == 1:
        assert import_file(tmp_path / "m.onnx", tmp_path / "m.toml").difference < 1e-6
    else:
        with pytest.raises(LeftoverError, match="Squeeze"):
            OnnxImporter().read(tmp_path / "m.onnx")


FACTORS = {"alpha": 0.5, "beta": 3.0}
ARRAYS = [("w", np.arange(12.0).reshape(4, 3)), ("b", [1, 2, 3])]
MOMENTS = [("s", np.ones(4)), ("o", np.ones(4)), ("v", np.full(4, 0.01))]


@pytest.mark.parametrize(
    ("node", "arrays"),
    [
        (("Gemm", "x w b", "y", FACTORS), ARRAYS),
        (("BatchNormalization", "x s o o v", "y"), MOMENTS),  # epsilon is 1e-5
    ],
)
def test_fields_of_an_operator_and_their_defaults_count(node, arrays, tmp_path):
    onnx.save(model_of([node], arrays), tmp_path / "m.onnx")
    assert import_file(tmp_path / "m.onnx", tmp_path / "m.toml").difference < 1e-5


POOL = {"kernel_shape": [2, 2], "ceil_mode": 1}


@pytest.mark.parametrize(
    ("operator", "fields", "factor"),
    [
        ("MaxPool", POOL, 0),
        ("AveragePool", POOL, 0),
        ("LSTM", {"clip": 1.0}, 4),
        ("LSTM", {"input_forget": 1}, 4),
        ("GRU", {"clip": 1.0}, 3),
        ("RNN", {"clip": 1.0}, 1),
    ],
)
def test_attributes_that_change_the_result_are_not_left_out(operator, fields, factor, tmp_path):
    model = model_of([(operator, "x", "y", fields)], shape=("n", 2, 5, 5))
    if factor:
        nodes = [
            ("Transpose", "x", "t", {"perm": [1, 0, 2]}),
            (operator, "t w r", "y", {"hidden_size": 2, **fields}),
        ]
        arrays = [("w", np.ones((1, factor * 2, 3))), ("r", np.ones((1, factor * 2, 2)))]
        model = model_of(nodes, arrays, shape=("n", 5, 3))
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(LeftoverError) as caught:
        OnnxImporter().read(tmp_path / "m.onnx")
    assert caught.value.leftovers[0].startswith(operator)


def test_outputs_selects_the_probabilities_of_a_classifier(tmp_path):
    """skl2onnx exports MLPClassifier of scikit-learn with labels and a list of maps."""
    helper, rng = onnx.helper, np.random.default_rng(0)
    nodes = [
        ("Cast", "x", "given", {"to": 1}),
        ("MatMul", "given coefficient", "mul"),
        ("Add", "mul intercepts", "add"),
        ("Relu", "add", "hidden"),
        ("MatMul", "hidden coefficient1", "mul1"),
        ("Add", "mul1 intercepts1", "add1"),
        ("Softmax", "add1", "probabilities"),
        ("ArgMax", "probabilities", "label", {"axis": 1, "keepdims": 0}),
    ]
    shapes = {"coefficient": (4, 5), "intercepts": (1, 5)}
    shapes |= {"coefficient1": (5, 3), "intercepts1": (1, 3)}
    model = model_of(nodes, [(name, rng.normal(size=shape)) for name, shape in shapes.items()])
    fields = {"domain": "ai.onnx.ml", "classlabels_int64s": [0, 1, 2]}
    model.graph.node.append(helper.make_node("ZipMap", ["probabilities"], ["maps"], **fields))
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    maps = helper.make_map_type_proto(7, helper.make_tensor_type_proto(1, []))
    maps = helper.make_value_info("maps", helper.make_sequence_type_proto(maps))
    del model.graph.output[:]
    model.graph.output.extend([helper.make_tensor_value_info("label", 7, ["n"]), maps])
    onnx.save(model, tmp_path / "m.onnx")
    network = OnnxImporter().read(tmp_path / "m.onnx")
    assert network.table.rows.classes == {"y": (0, 1, 2)}
    importer = OnnxImporter(outputs=("probabilities",))
    imported = import_file(tmp_path / "m.onnx", tmp_path / "m.toml", importer)
    assert imported.difference < 1e-6
    assert [*imported.types.values()] == ["dense", "relu", "dense", "softmax"]
    assert imported.left_out == ("output label", "output maps")
