"""Files that ask for too much are refused by what they state, before anything is computed."""

from __future__ import annotations

import pytest

from declnet import DeclnetError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from declnet_onnx.importing.conversion import convert  # noqa: E402

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
