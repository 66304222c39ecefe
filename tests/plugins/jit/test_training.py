"""Training with compiled kernels: NumPy's results up to rounding, with reproducible bits."""

from __future__ import annotations

import json

import pytest

import declnet
from declnet import ResumeError, parse_spec, resume, run
from declnet.contracts.runs.callback import EpochLogged

pytestmark = pytest.mark.usefixtures("numba")


def trained(document, kernels, out):
    return run(parse_spec({**document, "engine": {"kernels": kernels}}), out=out)


def engine_of(directory):
    return json.loads((directory / "manifest.json").read_text())["engine"]


CHANGES = {
    "groups": {
        "optimizer.groups": [
            {"parameters": ["*.biases"], "beta_1": 0.5},
            {"parameters": ["dense_2.*"], "type": "sgd", "learning_rate": 0.1},
        ]
    },
    "frozen": {"model.layers.0.trainable": False},
    "frozen for some epochs": {"model.layers.2.trainable": {"from_epoch": 4}},
}


@pytest.mark.parametrize("name", CHANGES)
def test_kernels_agree_with_numpy(spiral, changed, name, tmp_path):
    document = changed(spiral, {"model.dtype": "float64", **CHANGES[name]})
    document["training"] = {"epochs": 9, "log_every": 1, "metrics": []}
    jit, numpy = (trained(document, kernels, tmp_path / kernels) for kernels in ("jit", "numpy"))
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert "dense_relu_jit" in engine_of(tmp_path / "jit")["kernels"]
    if name == "frozen":
        start = declnet.build_model(parse_spec(document).model, (2,)).parameters()
        weights = jit.model.parameters()["dense_1.weights"]
        assert (weights == start["dense_1.weights"]).all()


def test_the_manifest_says_which_kernels_computed(spiral, tmp_path):
    spiral["training"]["epochs"] = 2
    trained(spiral, "jit", tmp_path / "jit")
    trained(spiral, "auto", tmp_path / "auto")
    engine = engine_of(tmp_path / "jit")
    assert set(engine) == {"kernels", "numba", "llvmlite"}
    kernels = "dense_jit, dense_relu_jit"
    assert engine["kernels"] == kernels
    assert engine_of(tmp_path / "auto") == {"kernels": "numpy"}  # two epochs gain nothing
    manifest = json.loads((tmp_path / "jit" / "manifest.json").read_text())
    used = {*kernels.split(", "), "softmax_categorical_crossentropy"}
    assert set(manifest["components"]["kernel"]) == used


class Stop(Exception):
    """An exception in place of anything that ends a process."""


def stop(event):
    if isinstance(event, EpochLogged) and event.epoch == 100:
        raise Stop


def test_a_run_is_resumed_to_the_same_bits_with_the_same_kernels(spiral, tmp_path):
    spiral["training"] |= {"batch_size": 50, "epochs": 151}
    spiral["training"]["callbacks"] = [{"type": "checkpoint", "every_epochs": 40}]
    falling = {"type": "flat_cosine", "initial_rate": 0.2}
    spiral["model"]["layers"].insert(2, {"type": "dropout", "rate": falling})
    spec = parse_spec({**spiral, "engine": {"kernels": "jit"}})
    run(spec, out=tmp_path / "whole")
    with pytest.raises(Stop):
        run(spec, out=tmp_path / "out", listener=stop)
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    edited = json.loads(manifest) | {"engine": {"kernels": "numpy"}}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(edited))
    with pytest.raises(ResumeError, match="the kernels were numpy and are dense_jit"):
        resume(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text(manifest)
    resume(tmp_path / "out")
    for name in ("weights.safetensors", "history.jsonl", "metrics.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
