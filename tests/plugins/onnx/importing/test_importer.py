"""Networks from ONNX files: declnet's own, PyTorch's, and some that no layer corresponds to."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import (
    DataError,
    ExportedColumn,
    ExportedFinish,
    ExportedInput,
    ExportedMember,
    ExportedModel,
    ExportedNode,
    ExportedOutput,
    LeftoverError,
    Loss,
    build_model,
    default_registry,
    load_spec,
    parse_spec,
)
from declnet.contracts.network.layer import input_dtypes
from declnet.runs.exchange.importing import import_network

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.exporter import OnnxExporter  # noqa: E402
from declnet_plugins.onnx.importing.importer import OnnxImporter  # noqa: E402

ACTIVATIONS = ("elu", "selu", "leaky_relu", "softplus", "hard_sigmoid", "tanh", "silu", "mish")

NETWORKS = {
    "activations": (
        (5,),
        [
            each
            for activation in (*ACTIVATIONS, "gelu", {"type": "gelu", "approximation": "tanh"})
            for each in ({"type": "dense", "units": 6}, activation)
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
            {"type": "dense", "units": 3},
            "softmax",
        ],
    ),
    "sequences": (
        (6, 3),
        [
            {"type": "gru", "units": 4, "bidirectional": True, "return_sequences": True},
            {"type": "lstm", "units": 5, "return_sequences": True},
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


def spec_of(layers):
    return parse_spec(
        {
            "model": {"layers": layers},
            "loss": "mean_squared_error",
            "optimizer": "adam",
            "training": {"epochs": 1},
        }
    ).model


def drawn(spec, shape):
    model, rng = build_model(spec, shape, 3), np.random.default_rng(5)
    for name, array in model.store.arrays.items():
        noise = rng.uniform(0.1, 0.5, array.shape)
        array[...] += noise if "variance" in name else noise * rng.choice([-1, 1], array.shape)
    return model


def exported(model, shape):
    nodes = tuple(
        ExportedNode(
            node.name,
            node.layer,
            tuple("input" if each == 0 else model.nodes[each - 1].name for each in node.inputs),
            node.input_shapes,
            input_dtypes(node.layer, len(node.inputs)),
            node.output_shape,
            {name: model.store.arrays[f"{node.name}.{name}"] for name in node.parameters},
        )
        for node in model.nodes
    )
    last = model.nodes[-1]
    loss = Loss.from_declaration("mean_squared_error")
    output = ExportedOutput("", last.name, last.output_shape, loss, last.output_shape, "values")
    inputs = (ExportedInput("input", ("x",), shape),)
    member = ExportedMember("", (), inputs, nodes, (ExportedFinish(),))
    columns = (ExportedColumn("x", "number", shape),)
    return ExportedModel("net", columns, (member,), (output,), model.dtype, default_registry())


@pytest.mark.parametrize("name", NETWORKS)
def test_what_declnet_exported_comes_back(name, tmp_path):
    shape, layers = NETWORKS[name]
    model = drawn(spec_of(layers), shape)
    OnnxExporter().export(exported(model, shape), tmp_path / "m.onnx")
    found = import_network(
        OnnxImporter(), tmp_path / "m.onnx", tmp_path / "back", default_registry()
    )
    assert found.difference < 2e-6
    types = [node.layer.type for node in model.nodes]
    assert [*found.types.values()] == types
    again = build_model(load_spec(tmp_path / "back" / "spec.toml").model, shape)
    x = np.random.default_rng(1).normal(size=(7, *shape)).astype(np.float32)
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-5, atol=1e-6)


def graph_of(*nodes, shape=(4,), constants=(), output=("n", 4)):
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node(*each[:3], **each[3]) for each in nodes],
        "graph",
        [helper.make_tensor_value_info("x", 1, ["n", *shape])],
        [helper.make_tensor_value_info("y", 1, list(output))],
        [onnx.numpy_helper.from_array(np.asarray(a, np.float32), n) for n, a in constants],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def test_everything_that_no_layer_corresponds_to_is_listed(tmp_path):
    model = graph_of(
        ("LogSoftmax", ["x"], ["a"], {"name": "first"}),
        ("Relu", ["a"], ["b"], {}),
        ("CumSum", ["x", "axis"], ["c"], {"name": "second"}),
        ("Add", ["b", "c"], ["y"], {}),
    )
    axis = onnx.helper.make_tensor("axis", 7, [], [1])
    model.graph.initializer.append(axis)
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(LeftoverError) as caught:
        OnnxImporter().read(tmp_path / "m.onnx")
    assert caught.value.leftovers == ("LogSoftmax first", "CumSum second")


def test_a_scaler_is_an_affine_layer_that_is_not_trained(tmp_path):
    model = graph_of(
        ("Sub", ["x", "mean"], ["a"], {}),
        ("Div", ["a", "std"], ["b"], {}),
        ("MatMul", ["b", "w"], ["c"], {}),
        ("Add", ["c", "bias"], ["y"], {}),
        constants=[("mean", [1, 2, 3, 4]), ("std", [2, 1, 4, 5]), ("w", np.eye(4)), ("bias", [7])],
    )
    onnx.save(model, tmp_path / "m.onnx")
    found = import_network(
        OnnxImporter(), tmp_path / "m.onnx", tmp_path / "m.toml", default_registry()
    )
    assert found.difference < 1e-5
    layers = load_spec(tmp_path / "m.toml").model.layers
    assert [each.type for each in layers] == ["batch_norm", "dense"]
    assert layers[0].trainable is False


def test_both_factors_of_gemm_count(tmp_path):
    weights = np.arange(12.0).reshape(4, 3)
    fields = {"alpha": 0.5, "beta": 3.0}
    model = graph_of(
        ("Gemm", ["x", "w", "b"], ["y"], fields),
        constants=[("w", weights), ("b", [1, 2, 3])],
        output=("n", 3),
    )
    onnx.save(model, tmp_path / "m.onnx")
    found = import_network(
        OnnxImporter(), tmp_path / "m.onnx", tmp_path / "m.toml", default_registry()
    )
    assert found.difference < 1e-6


@pytest.mark.parametrize(
    ("node", "shape", "constants"),
    [
        *(
            ((f"{kind}Pool", ["x"], ["y"], {"kernel_shape": [2, 2], "ceil_mode": 1}), (2, 5, 5), ())
            for kind in ("Max", "Average")
        ),
        *(
            ((name, ["t", "w", "r"], ["y"], {"hidden_size": 2, **fields}), (5, 3), factor)
            for name, factor in (("LSTM", 4), ("GRU", 3), ("RNN", 1))
            for fields in ({"clip": 1.0}, {"input_forget": 1})
            if name == "LSTM" or "clip" in fields
        ),
    ],
)
def test_what_changes_the_numbers_of_an_operator_is_not_left_out(node, shape, constants, tmp_path):
    nodes = [node]
    if isinstance(constants, int):
        units = constants * 2
        constants = [("w", np.ones((1, units, 3))), ("r", np.ones((1, units, 2)))]
        nodes.insert(0, ("Transpose", ["x"], ["t"], {"perm": [1, 0, 2]}))
    onnx.save(graph_of(*nodes, shape=shape, constants=constants), tmp_path / "m.onnx")
    with pytest.raises(LeftoverError) as caught:
        OnnxImporter().read(tmp_path / "m.onnx")
    assert caught.value.leftovers[0].startswith(node[0])


def test_a_value_can_be_the_output_so_that_the_rest_is_left_out(tmp_path):
    model = graph_of(("Softmax", ["x"], ["p"], {"axis": -1}), ("LogSoftmax", ["p"], ["y"], {}))
    onnx.save(model, tmp_path / "m.onnx")
    network = OnnxImporter(outputs=("p",)).read(tmp_path / "m.onnx")
    assert network.sections["model"]["layers"] == ["softmax"]
    assert network.sections["loss"] == {"type": "categorical_crossentropy"}
    assert network.left_out == ("output y",)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "not a valid ONNX model"), (b"nonsense", "not a valid ONNX")]
)
def test_other_files_are_refused(content, message, tmp_path):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(DataError, match=message):
        OnnxImporter().read(tmp_path / "m.onnx")


def test_sizes_must_be_known(tmp_path):
    onnx.save(graph_of(("Relu", ["x"], ["y"], {}), shape=("time", 4)), tmp_path / "m.onnx")
    with pytest.raises(DataError, match="unknown sizes"):
        OnnxImporter().read(tmp_path / "m.onnx")


def test_a_classifier_with_a_zipmap_needs_the_name_of_its_probabilities(tmp_path):
    """As scikit-learn's MLPClassifier by skl2onnx: labels, and a list of maps."""
    helper, rng = onnx.helper, np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["x"], ["given"], to=1),
        helper.make_node("MatMul", ["given", "coefficient"], ["mul"]),
        helper.make_node("Add", ["mul", "intercepts"], ["add"]),
        helper.make_node("Relu", ["add"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "coefficient1"], ["mul1"]),
        helper.make_node("Add", ["mul1", "intercepts1"], ["add1"]),
        helper.make_node("Softmax", ["add1"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        helper.make_node(
            "ZipMap", ["probabilities"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]
        ),
    ]
    shapes = {"coefficient": (4, 5), "intercepts": (1, 5)}
    shapes |= {"coefficient1": (5, 3), "intercepts1": (1, 3)}
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(7, helper.make_tensor_type_proto(1, []))
    )
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("x", 1, ["n", 4])],
        [helper.make_tensor_value_info("label", 7, ["n"]), helper.make_value_info("maps", maps)],
        [
            onnx.numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
            for name, shape in shapes.items()
        ],
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    with pytest.raises(DataError, match="no output of floats"):
        OnnxImporter().read(tmp_path / "m.onnx")
    importer = OnnxImporter(outputs=("probabilities",))
    found = import_network(importer, tmp_path / "m.onnx", tmp_path / "m.toml", default_registry())
    assert found.difference < 1e-6
    assert [*found.types.values()] == ["dense", "relu", "dense", "softmax"]
    assert found.left_out == ("output label", "output maps")


def test_nan_in_an_initializer_is_an_error_that_names_it(tmp_path):
    weights = np.ones((2, 3), np.float32)
    weights[0, 1] = np.nan
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "W"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3])],
        [onnx.numpy_helper.from_array(weights, "W")],
    )
    path = tmp_path / "m.onnx"
    onnx.save(
        onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
        ),
        path,
    )
    with pytest.raises(DataError, match='the array "W" has 1 values that are NaN'):
        OnnxImporter().read(path)
