"""Names in an ONNX file have no side effects: any names lead to the same output."""

from __future__ import annotations

import os
import tomllib
from itertools import islice

import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from ....hostile_names.names import hostile_names  # noqa: E402
from . import hostile  # noqa: E402

NAMES = int(os.environ.get("DECLNET_TEST_NAMES", "120"))
BATCH = 120


def named(names):
    """Return a model with a name everywhere: nodes, values, arrays, texts and metadata."""
    nodes, values, arrays, others = (names[at::4] for at in range(4))
    chain = ["x"]
    protos, stored = [], []
    for at, (node, value, array) in enumerate(zip(nodes, values, arrays, strict=True)):
        operator = ("Relu", "Tanh", "MatMul", "Sigmoid", "Softplus")[at % 5]
        inputs = [chain[-1]]
        if operator == "MatMul":
            stored.append((f"w{array}", [[float(i == j) for j in range(4)] for i in range(4)]))
            inputs.append(f"w{array}")
        chain.append(f"v{value}")
        protos.append(onnx.helper.make_node(operator, inputs, [chain[-1]], name=node))
    model = hostile.model_of(protos, stored, outputs=(chain[-1],))
    graph = model.graph
    graph.name, graph.doc_string, model.producer_name, model.domain = others[:4]
    graph.node[0].doc_string, graph.input[0].type.denotation = others[4:6]
    for text in others:
        model.metadata_props.add(key=text, value=text)
    return model


@pytest.mark.parametrize("seed", range(-(-NAMES // BATCH)))
def test_names_change_nothing_but_comments(seed, declnet_cli, tmp_path):
    written = {}
    plain = [f"name{at}" for at in range(BATCH)]
    odd = [*islice(hostile_names(seed, spaces=True, nul=True), BATCH)]
    for case, names in (("plain", plain), ("hostile", odd)):
        onnx.save(named(names), tmp_path / f"{case}.onnx")
        done = declnet_cli("import", f"{case}.onnx", "-o", case)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / case / "spec.toml").read_text("utf-8")
        written[case] = tomllib.loads(text), len(text.splitlines()), len(done.stdout.splitlines())
    assert written["hostile"] == written["plain"]
    assert "data" not in written["hostile"][0]


@pytest.mark.parametrize("name", ["a\nb", "\u202e", "n" * 10_000, 'q"'])
def test_messages_have_no_more_lines(name, declnet_cli, tmp_path):
    node = onnx.helper.make_node("LogSoftmax", ["x"], ["y"], name=name)
    onnx.save(hostile.model_of([node]), tmp_path / "m.onnx")
    done = declnet_cli("import", "m.onnx", "-o", "out")
    assert done.returncode == 2
    assert [len(done.stdout), len(done.stderr.splitlines())] == [0, 2]
    assert len(done.stderr) < 300
