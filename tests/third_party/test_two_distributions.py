"""Two distributions that offer one type: the command line uses the same component, or none."""

import json
from itertools import count

import numpy as np
import pytest
from safetensors.numpy import load_file

from ..distributions import write_distribution

SOURCE = """
import numpy as np
from declnet import Initializer, Layer, Parameter, hookimpl

class Wave(Layer):
    "y = gain * x, with a gain that the initializer level fills."
    type = "wave"
    def parameters(self, input_shape):
        return {{"gain": Parameter(input_shape, "level", trainable=False)}}
    def forward(self, x, y, state):
        np.multiply(x, state.gain, out=y)
    def backward(self, x, y, dy, dx, state):
        if dx is not None:
            np.multiply(dy, state.gain, out=dx)

class Level(Initializer):
    "w = {level}."
    type = "level"
    def fill(self, w, rng, fan_in, fan_out):
        w[...] = {level}

@hookimpl
def declnet_register(register):
    for component in (Wave, Level):
        register(component)
"""

WAVE, NEWER, OTHER = ("declnet-wave", "1.0"), ("declnet-wave", "1.1"), ("other-wave", "2.0")
LEVELS = {WAVE: 1, NEWER: 1, OTHER: 2}

READ = {
    "predict": ["predict", "run", "points.npy"],
    "evaluate": ["evaluate", "run"],
    "report": ["report", "run"],
    "resume": ["resume", "run"],
    "resume what has changed": ["resume", "run", "--allow-changes"],
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Return the folder of each distribution, for the import path."""
    numbers = count()
    folder = tmp_path_factory.mktemp("sites")
    return {
        (name, version): write_distribution(
            folder / str(next(numbers)), name, SOURCE.format(level=level), version=version
        )
        for (name, version), level in LEVELS.items()
    }


@pytest.fixture
def declnet_with(command_in, sites, tmp_path):
    """Return the command line with the given distributions; it has a spec and points to predict."""
    document = {
        "declnet": 1,
        "name": "waves",
        "data": {"train": {"type": "nnfs_vertical", "samples": 10, "classes": 3}},
        "model": {"layers": [{"type": "dense", "units": 3}, "wave", "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 2},
    }
    (tmp_path / "spec.json").write_text(json.dumps(document))
    np.save(tmp_path / "points.npy", np.zeros((2, 2)))
    return lambda *keys: command_in(tmp_path, *(sites[key] for key in keys))


@pytest.fixture
def trained(declnet_with, tmp_path):
    """An interrupted run with declnet-wave 1.0 alone, in the folder `run`."""
    declnet_with(WAVE).succeeds("run", "spec.json", "--quiet", "--out", "run")
    manifest = tmp_path / "run" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "status": "interrupted"}))
    return tmp_path / "run"


def components(run):
    return json.loads((run / "manifest.json").read_text())["components"]


def listing(*names):
    return ["--set", f"plugins={json.dumps(names)}"]


@pytest.mark.parametrize("chosen", [WAVE, OTHER], ids=" ".join)
def test_the_spec_decides_by_its_plugins(declnet_with, tmp_path, chosen):
    """This applies to the layer, the initializer that it names, and worker processes."""
    declnet = declnet_with(WAVE, OTHER)
    name, version = chosen
    plugins = listing(f"{name}=={version}")
    declnet.succeeds("run", "spec.json", *plugins, "--quiet", "--out", "run")
    seeds = ["--seeds", "1,2", "--jobs", "2", "--quiet"]
    declnet.succeeds("sweep", "spec.json", *plugins, *seeds, "--out", "sweep")
    swept = [path.parent for path in (tmp_path / "sweep").rglob("manifest.json")]
    assert len(swept) == 2
    for run in (tmp_path / "run", *swept):
        used = components(run)
        assert used["layer"]["wave"] == used["initializer"]["level"] == f"{name}=={version}"
        gain = load_file(run / "weights.safetensors")["wave_1.gain"]
        assert set(gain.tolist()) == {LEVELS[chosen]}
    for arguments in READ.values():
        if arguments[0] != "report":
            assert declnet(*arguments).returncode == 0


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("arguments", READ.values(), ids=READ)
def test_a_run_is_not_read_with_anothers_component(declnet_with, arguments):
    if arguments[0] == "report":
        pytest.importorskip("jinja2", reason="needs the extra report")
        pytest.importorskip("vl_convert", reason="needs the extra report")
    done = declnet_with(OTHER)(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'error: run: initializer "level" came from declnet-wave 1.0, but is now offered by '
        'other-wave 2.0; layer "wave" came from declnet-wave 1.0, but is now offered by '
        'other-wave 2.0 (pip install "declnet-wave==1.0")\n'
    )


def test_another_version_that_computes_the_same_needs_no_note(declnet_with, trained):
    newer = declnet_with(NEWER)
    assert newer.succeeds(*READ["predict"]) == declnet_with(WAVE).succeeds(*READ["predict"])
    newer.succeeds("evaluate", "run")
    assert newer("resume", "run").returncode == 0
    assert components(trained)["layer"]["wave"] == "declnet-wave==1.1"
