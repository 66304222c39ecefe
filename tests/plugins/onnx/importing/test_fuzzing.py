"""Mutated models: every import ends with a network or with an error about the file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from . import hostile, pipelines  # noqa: E402

rng = np.random.default_rng(0)


def numbers(*shape):
    return rng.normal(size=shape).astype(np.float32)


def models():
    """Models with operators that become layers, and with computed constants."""
    dense = [
        ("Gemm", "x a b", "g", {"transB": 1}),
        ("Sigmoid", "g", "s"),
        ("Mul", "g s", "m"),
        ("Shape", "m", "shape"),
        ("Gather", "shape zero", "n", {"axis": 0}),
        ("Concat", "n six", "to", {"axis": 0}),
        ("Reshape", "m to", "r"),
        ("LayerNormalization", "r scale b", "l", {"epsilon": 1e-5}),
        ("Softmax", "l", "y", {"axis": -1}),
    ]
    images = [
        ("Conv", "x k b", "c", {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
        ("BatchNormalization", "c b b b v", "n"),
        ("Relu", "n", "r"),
        ("MaxPool", "r", "p", {"kernel_shape": [2, 2]}),
        ("GlobalAveragePool", "p", "g"),
        ("Flatten", "g", "f"),
        ("MatMul", "f w", "y"),
    ]
    sequences = [
        ("Transpose", "x", "t", {"perm": [1, 0, 2]}),
        ("LSTM", "t w r b", "h", {"hidden_size": 2}),
        ("Squeeze", "h one", "s"),
        ("Transpose", "s", "u", {"perm": [1, 0, 2]}),
        ("ReduceMean", "u", "y", {"axes": [1], "keepdims": 0}),
    ]
    whole = {"zero": ("zero", [0], np.int64), "six": ("six", [6], np.int64)}
    return [
        hostile.model_of(
            dense,
            [("a", numbers(6, 4)), ("b", numbers(6)), ("scale", numbers(6)), *whole.values()],
        ),
        hostile.model_of(
            images,
            [
                *(("k", numbers(4, 2, 3, 3)), ("b", numbers(4)), ("v", np.ones(4))),
                ("w", numbers(4, 3)),
            ],
            shape=("n", 2, 8, 8),
        ),
        hostile.model_of(
            sequences,
            [
                *(("w", numbers(1, 8, 3)), ("r", numbers(1, 8, 2)), ("b", numbers(1, 16))),
                ("one", [1], np.int64),
            ],
            shape=("n", 5, 3),
        ),
    ]


MODELS = [*models(), pipelines.classifier(), pipelines.regression()]
EXTREME = (0, 1, -1, 2, 3, 7, 2**20, 2**31 - 1, 2**31, 2**40, 2**63 - 1, -(2**63))
OTHERS = """
    Relu Tile Expand Concat Slice Range Pad Resize OneHot ConstantOfShape Gather Split Loop If
    Einsum CumSum ReduceSum Reshape Transpose GRU RNN Conv ConvTranspose AveragePool Cast NonZero
    TopK Erf Pow Div Where Dropout Identity PRelu Unsqueeze SequenceEmpty Gelu Sum RandomNormal
    Constant InstanceNormalization StringNormalizer GlobalMaxPool Scaler Imputer OneHotEncoder
    LabelEncoder Normalizer LinearClassifier LinearRegressor ZipMap ArrayFeatureExtractor Clip
"""
OPERATORS = OTHERS.split()


def mutate_bytes(content, where, kind, value):
    at = where % (len(content) + 1)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes([value % 256]) + content[at + 1 :]
    if kind == 2:
        return content[:at] + content[at:][:9] * (value % 5) + content[at:]
    return content[:at] + content[at + value % 9 :]


def numbers_of(message):
    """Yield a setter for each number in a message, single or repeated."""
    for field, value in message.ListFields():
        if isinstance(value, int | float):
            yield lambda new, name=field.name: setattr(message, name, new)
        elif isinstance(value, bytes | str):
            if field.name == "raw_data":
                yield lambda new: setattr(
                    message,
                    "raw_data",
                    np.int64(new).tobytes() * (len(message.raw_data) // 8),
                )
        elif hasattr(value, "ListFields"):
            yield from numbers_of(value)
        else:
            for at, item in enumerate(value):
                if isinstance(item, int | float):
                    yield lambda new, values=value, at=at: values.__setitem__(at, new)
                elif hasattr(item, "ListFields"):
                    yield from numbers_of(item)


def mutate_structure(model, where, kind, value):
    nodes = model.graph.node
    node = nodes[where % len(nodes)]
    other = nodes[value % len(nodes)]
    if kind == 0:
        setters = [*numbers_of(model)]
        try:
            setters[where % len(setters)](EXTREME[value % len(EXTREME)])
        except (ValueError, OverflowError):  # beyond the field's type
            return
    elif kind == 1:
        node.op_type = OPERATORS[value % len(OPERATORS)]
    elif kind == 2:
        node.input[:] = [*other.input]
    elif kind == 3:
        node.CopyFrom(other)
    elif kind == 4:
        del node.attribute[value % (len(node.attribute) or 1) :]
    elif kind == 5 and node.input:
        node.input[value % len(node.input)] = (other.output or [""])[0]
    elif kind == 6 and len(nodes) > 1:
        del nodes[where % len(nodes)]
    else:
        array = model.graph.initializer[where % len(model.graph.initializer)]
        array.dims[:] = [EXTREME[value % len(EXTREME)], *array.dims[1:]]


numbers_up = st.integers(0, 2**16)
mutations = st.lists(st.tuples(numbers_up, st.integers(0, 7), numbers_up), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def importing():
    """Return a function that imports a file in a limited process, restarted when it has ended."""
    processes = []

    def start():
        command = [sys.executable, str(Path(__file__).with_name("fuzzed.py"))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        processes.append(subprocess.Popen(command, text=True, **pipes))

    def run(path):
        if not processes or processes[-1].poll() is not None:
            start()
        process = processes[-1]
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            assert process.wait() < 0  # killed by the system, never by Python
            return f"refused: its process ended with {process.returncode}"
        return json.loads(line)

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@settings(max_examples=3 * settings.default.max_examples)
@given(st.sampled_from(range(len(MODELS))), st.booleans(), mutations)
def test_a_mutated_model_is_imported_or_refused(importing, tmp_path, number, bytewise, changes):
    model = onnx.ModelProto()
    model.CopyFrom(MODELS[number])
    content = b""
    if bytewise:
        content = model.SerializeToString()
        for where, kind, value in changes:
            content = mutate_bytes(content, where, kind % 4, value)
    else:
        for where, kind, value in changes:
            mutate_structure(model, where, kind, value)
        content = model.SerializeToString()
    (tmp_path / "m.onnx").write_bytes(content)
    ending = importing(tmp_path / "m.onnx")
    assert ending == "imported" or ending.startswith("refused: "), ending


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_models_are_imported_unless_they_are_mutated(number, importing, tmp_path):
    onnx.save(MODELS[number], tmp_path / "m.onnx")
    assert importing(tmp_path / "m.onnx") == "imported"
