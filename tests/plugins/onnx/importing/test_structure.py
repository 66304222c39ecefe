"""Files that declare too much are refused before anything is computed."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DeclnetError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_plugins.onnx.importing.conversion import convert  # noqa: E402

from . import hostile  # noqa: E402

MODELS = hostile.models()


@pytest.mark.parametrize("name", MODELS)
def test_a_hostile_file_is_refused(name, tmp_path):
    model, message = MODELS[name]
    content = model if isinstance(model, bytes) else model.SerializeToString()
    (tmp_path / "short.bin").write_bytes(bytes(64))
    (tmp_path / "link.bin").symlink_to("/etc/passwd")
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(DeclnetError) as caught:
        convert(tmp_path / "m.onnx", ())
    assert message in str(caught.value)
    assert "m.onnx" in str(caught.value)


def test_arrays_in_a_file_of_the_same_folder_are_read(tmp_path):
    values = np.arange(8, dtype=np.float32)
    (tmp_path / "w.bin").write_bytes(values.tobytes())
    model = hostile.external("w.bin")
    model.graph.initializer[0].external_data[1].value = "16"
    onnx.save_model(model, tmp_path / "m.onnx")
    _, _, parameters = convert(tmp_path / "m.onnx", ())
    np.testing.assert_array_equal(parameters["batch_norm_1.offset"], values[4:])


@pytest.mark.parametrize("operators", [["Relu"], ["Identity"], ["Sigmoid", "Identity", "Tanh"]])
def test_a_long_chain_of_nodes_is_imported(operators, tmp_path):
    count = 900
    model = hostile.chain(count)
    for at, node in enumerate(model.graph.node):
        node.op_type = "Relu" if at == 0 else operators[at % len(operators)]
    onnx.save(model, tmp_path / "m.onnx")
    _, message, _ = convert(tmp_path / "m.onnx", ())
    layers = [operators[at % len(operators)].lower() for at in range(1, count)]
    expected = ["relu", *(layer for layer in layers if layer != "identity")]
    assert message["sections"]["model"]["layers"] == expected


def test_a_node_that_no_output_needs_is_not_run(tmp_path):
    model = hostile.loop(10**12)
    model.graph.node[0].output[0] = "unused"
    model.graph.node.append(onnx.helper.make_node("Relu", ["x"], ["y"]))
    onnx.save(model, tmp_path / "m.onnx")
    _, message, _ = convert(tmp_path / "m.onnx", ())
    assert message["sections"]["model"]["layers"] == ["relu"]
