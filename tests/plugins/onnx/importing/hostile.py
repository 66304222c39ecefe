"""Small ONNX models that need too many resources or contradict their own description."""

from __future__ import annotations

import gzip

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def stored(name, values, kind=np.float32):
    return numpy_helper.from_array(np.asarray(values, kind), name)


def model_of(nodes, arrays=(), shape=("n", 4), outputs=("y",), opset=17):
    """Return a model of nodes (operator, inputs, output, attributes), arrays (name, values)."""
    protos = [
        node
        if isinstance(node, onnx.NodeProto)
        else helper.make_node(node[0], node[1].split(), [node[2]], **(node[3:] or ({},))[0])
        for node in nodes
    ]
    graph = helper.make_graph(
        protos,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [array if isinstance(array, onnx.TensorProto) else stored(*array) for array in arrays],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def chain(count, operator="Relu"):
    names = ["x", *(f"v{at}" for at in range(1, count)), "y"]
    return model_of([(operator, names[at], names[at + 1]) for at in range(count)])


def loop(trips):
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Relu", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("d", TensorProto.BOOL, []),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, None),
        ],
    )
    nodes = [helper.make_node("Loop", ["trips", "true", "x"], ["y"], name="forever", body=body)]
    return model_of(nodes, [("trips", trips, np.int64), ("true", True, bool)])


def _field(number, content):
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size % 128 + 128]), size // 128
    return bytes([number * 8 + 2]) + length + bytes([size]) + content


def nested(depth):
    """Return the bytes of deeply nested graphs: each is an attribute of a node of the next."""
    graph = _field(2, b"g")
    for _ in range(depth):
        attribute = _field(1, b"then_branch") + _field(6, graph)
        graph = _field(1, _field(2, b"y") + _field(4, b"If") + _field(5, attribute))
    return model_of([]).SerializeToString() + _field(7, graph)


def expanded(operator, inputs, arrays, **fields):
    """Return a model that adds a constant of gigabytes to the input."""
    nodes = [helper.make_node(operator, inputs.split(), ["big"], name="grows", **fields)]
    return model_of([*nodes, ("Add", "x big", "y")], arrays)


def external(location, length=16):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[length // 4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return model_of([("Add", "x w", "y")], [tensor])


def sized(dims, data=b"\0" * 16):
    return TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=data)


def changed(model, change):
    change(model)
    return model


def doubling(count):
    """Return a model of functions that each call the previous one twice."""
    model = model_of([helper.make_node(f"f{count}", ["x"], ["y"], domain="own")])
    model.opset_import.append(helper.make_opsetid("own", 1))
    for at in range(count + 1):
        node = helper.make_node
        nodes = [node("Relu", ["a"], ["b"])]
        if at:
            names = [("a", "m"), ("m", "b")]
            nodes = [node(f"f{at - 1}", [x], [y], domain="own") for x, y in names]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        model.functions.append(helper.make_function("own", f"f{at}", ["a"], ["b"], nodes, opsets))
    return model


def _input(model):
    return model.graph.input[0].type.tensor_type


def models():
    """Return models, or bytes, by name, each with a part of the message that refuses it."""
    big, long = 2**40, np.int64
    relu = [("Relu", "x", "y")]
    return {
        "loop": (loop(10**12), "Loop forever: it has a subgraph"),
        "nested": (nested(20), "If If 1: it has a subgraph"),
        "nested deeply": (nested(200), "cannot be decoded"),
        "functions": (doubling(60), "f60"),
        "nodes": (chain(20_000), "has 20,000 nodes, more than 10,000"),
        "names": (model_of([("Sum", "x " * 200_000, "y")]), "most are 100,000"),
        "fill": (expanded("ConstantOfShape", "s", [("s", [big], long)]), '"grows"'),
        "expand": (
            expanded("Expand", "a s", [("a", [1]), ("s", [big, 1], long)]),
            '"grows" (Expand)',
        ),
        "tile": (expanded("Tile", "a s", [("a", [1.0]), ("s", [big], long)]), '"grows" (Tile)'),
        "range": (
            expanded("Range", "a b c", [("a", 0), ("b", 1e12), ("c", 1)]),
            '"grows" (Range)',
        ),
        "pad": (
            expanded("Pad", "a s", [("a", [1.0]), ("s", [0, big], long)]),
            '"grows" (Pad)',
        ),
        "resize": (
            expanded("Resize", "a b b s", [("a", [1.0]), ("b", []), ("s", [big], long)]),
            "grows",
        ),
        "one hot": (
            expanded("OneHot", "i d v", [("i", [1], long), ("d", big, long), ("v", [0, 1])]),
            '"grows" (OneHot)',
        ),
        "random": (
            expanded("RandomNormal", "", [], shape=[2**20, 2**20]),
            '"grows" (RandomNormal)',
        ),
        "outer product": (
            model_of(
                [("MatMul", "a b", "m"), ("Add", "x m", "y")],
                [("a", np.zeros((2**14, 1))), ("b", np.zeros((1, 2**14)))],
            ),
            "numbers of constants",
        ),
        "large values": (
            model_of([("Tile", "x s", "m"), ("Relu", "m", "y")], [("s", [1, 2**30], long)]),
            "numbers of one batch",
        ),
        "negative size": (model_of(relu, shape=("n", -4)), 'input "x" has the size -4'),
        "negative batch": (model_of(relu, shape=(-1, 4)), 'input "x" has the size -1'),
        "sizes that overflow": (model_of(relu, shape=(1, 2**62, 2**62)), 'the input "x" has'),
        "array that overflows": (model_of([("Add", "x w", "y")], [sized([2**62, 4])]), '"w"'),
        "array of negative size": (model_of([("Add", "x w", "y")], [sized([-1])]), "the size -1"),
        "array that is too short": (model_of([("Add", "x w", "y")], [sized([5])]), '"w"'),
        "parent folder": (external("../../etc/passwd"), "not in the file's folder"),
        "absolute path": (external("/etc/passwd"), "not in the file's folder"),
        "folder": (external("."), "not in the file's folder"),
        "link": (external("link.bin"), "not a regular file"),
        "beyond": (external("short.bin", 2**20), "is not within"),
        "missing file": (external("none.bin"), "not a regular file"),
        "cycle": (model_of([("Add", "x b", "a"), ("Relu", "a", "b"), ("Relu", "b", "y")]), '"b"'),
        "missing": (model_of([("Add", "x nowhere", "y")]), 'reads "nowhere"'),
        "no producer": (model_of([("Relu", "x", "z")]), 'nothing computes the output "y"'),
        "twice": (model_of([("Relu", "x", "y"), ("Tanh", "x", "y")]), 'the name "y"'),
        "input again": (model_of([("Relu", "x", "x")], outputs=("x",)), 'the name "x"'),
        "opset": (model_of(relu, opset=9999), "cannot run the model"),
        "no opset": (changed(model_of(relu), lambda m: m.ClearField("opset_import")), "version"),
        "text input": (changed(model_of(relu), lambda m: setattr(_input(m), "elem_type", 8)), "x"),
        "no type": (changed(model_of(relu), lambda m: m.graph.input[0].ClearField("type")), '"x"'),
        "sequence": (
            changed(
                model_of(relu),
                lambda m: m.graph.input[0].type.sequence_type.elem_type.SetInParent(),
            ),
            '"x"',
        ),
        "sparse": (
            changed(model_of(relu), lambda m: m.graph.sparse_initializer.add()),
            "sparse arrays",
        ),
        "unknown operator": (model_of([("Nonsense", "x", "y")]), "Nonsense"),
        "name that is not UTF-8": (
            model_of(relu).SerializeToString().replace(b"\x0a\x01x", b"\x0a\x01\xff"),
            "not valid UTF-8",
        ),
        "truncated": (chain(9).SerializeToString()[:-7], "not a valid ONNX model"),
        "compressed": (gzip.compress(bytes(2**20)), "not a valid ONNX model"),
        "input as output": (model_of(relu, outputs=("x",)), "x"),
        "unknown size": (model_of(relu, shape=("n", "time")), "unknown sizes"),
        "nan": (model_of([("MatMul", "x w", "y")], [("w", [[1]] * 3 + [[np.nan]])]), "are NaN"),
        "nonsense": (b"nonsense", "not a valid ONNX model"),
        "empty": (b"", "not a valid ONNX model"),
    }
