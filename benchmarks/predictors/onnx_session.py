"""ONNX Runtime: the network as an ONNX graph, in a session on the CPU."""

from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from measuring.task import Task
from predictors.timing import Predict
from works.data import Floats, Samples, Weights, read_weights
from works.layers import Conv2d, Dense, Embedding, Layer
from works.work import Work


def node(name: str, layer: Layer, source: str) -> Any:
    """Return the layer as an ONNX operator."""
    w, b = f"{name}.weights", f"{name}.biases"
    if isinstance(layer, Dense):
        return helper.make_node("Gemm", [source, w, b], [name])
    if isinstance(layer, Conv2d):
        return helper.make_node("Conv", [source, w, b], [name], pads=[1, 1, 1, 1])
    if isinstance(layer, Embedding):
        return helper.make_node("Gather", [w, source], [name])
    if layer.kind == "max_pool2d":
        return helper.make_node("MaxPool", [source], [name], kernel_shape=[2, 2], strides=[2, 2])
    return helper.make_node({"relu": "Relu", "flatten": "Flatten"}[layer.kind], [source], [name])


def model_bytes(work: Work, weights: Weights) -> bytes:
    """Return the serialized model, with softmax on top."""
    nodes, source = [], "x"
    for name, layer in work.named_layers:
        nodes.append(node(name, layer, source))
        source = name
    nodes.append(helper.make_node("Softmax", [source], ["y"], axis=1))
    number = TensorProto.INT32 if "embedding" in work.kinds else TensorProto.FLOAT
    x = helper.make_tensor_value_info("x", number, ["n", *work.sample_shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", work.classes])
    arrays = [numpy_helper.from_array(w, name) for name, w in weights.items()]
    graph = helper.make_graph(nodes, work.name, [x], [y], arrays)
    opset = [helper.make_opsetid("", 17)]
    model: bytes = helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    return model


def make(task: Task) -> Predict:
    """Return the session, with all optimizations enabled."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task.threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(
        model_bytes(task.work, read_weights(task.path)), options, ["CPUExecutionProvider"]
    )

    def predict(x: Samples) -> Floats:
        probabilities: Floats = np.asarray(session.run(None, {"x": x})[0])
        return probabilities

    return predict
