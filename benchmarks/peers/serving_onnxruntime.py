"""FastAPI with ONNX Runtime: `python -m peers.serving_onnxruntime WEIGHTS.npz PORT`."""

import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from peers.serving_network import Probabilities, layers_of, serve


def probabilities(path: str) -> Probabilities:
    """Return the network as a function, dense layers with ReLU between them and a softmax."""
    layers, nodes, arrays, value = layers_of(path), [], [], "x"
    for at, (weights, biases) in enumerate(layers):
        arrays += [numpy_helper.from_array(weights, f"w{at}")]
        arrays += [numpy_helper.from_array(biases.reshape(-1), f"b{at}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{at}", f"b{at}"], [f"dense{at}"]))
        last = at == len(layers) - 1
        value = "y" if last else f"relu{at}"
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"dense{at}"], [value]))
    sizes = len(layers[0][0]), layers[-1][0].shape[1]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
        for name, size in zip("xy", sizes, strict=True)
    )
    graph = helper.make_graph(nodes, "network", [x], [y], arrays)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="benchmark"
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def run(rows: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = session.run(None, {"x": rows})[0]
        return outputs

    return run


if __name__ == "__main__":
    serve(probabilities(sys.argv[1]), int(sys.argv[2]))
