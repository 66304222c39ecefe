"""Two distributions that offer one type, installed with pip: the same component, or none."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.xdist_group("environment")

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

class Tanh(Wave):
    "A type that declnet has too."
    type = "tanh"

class Level(Initializer):
    "w = {level}."
    type = "level"
    def fill(self, w, rng, fan_in, fan_out):
        w[...] = {level}

@hookimpl
def declnet_register(register):
    for component in (Wave, Tanh, Level):
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
def installed(environment, write_distribution, tmp_path_factory):
    """Install exactly the given ones of these distributions."""
    wheels = {}
    for distribution, level in LEVELS.items():
        name, version = distribution
        folder = tmp_path_factory.mktemp("source")
        source = SOURCE.format(level=level)
        package = write_distribution(folder, name, source, version=version)
        built = folder / "wheels"
        done = environment.call(
            "python", "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
            "--no-index", "-w", built, package,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (wheels[distribution],) = built.iterdir()
    there = set()

    def install(*distributions):
        for each in there - set(distributions):
            environment.uninstall(each[0])
        new = set(distributions) - there
        if new:
            environment.install("--force-reinstall", *(wheels[each] for each in sorted(new)))
        there.clear()
        there.update(distributions)

    yield install
    install()


@pytest.fixture
def folder(environment, monkeypatch):
    """The environment's working folder, with a spec and points to predict; emptied at the end."""
    document = {
        "declnet": 1,
        "name": "waves",
        "data": {"train": {"type": "nnfs_vertical", "samples": 10, "classes": 3}},
        "model": {"layers": [{"type": "dense", "units": 3}, "wave", "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 2},
    }
    before = set(environment.folder.iterdir())
    (environment.folder / "spec.json").write_text(json.dumps(document))
    document["model"]["layers"][1] = "tanh"
    (environment.folder / "tanh.json").write_text(json.dumps(document))
    np.save(environment.folder / "points.npy", np.zeros((2, 2)))
    yield environment.folder
    for each in set(environment.folder.iterdir()) - before:
        shutil.rmtree(each) if each.is_dir() else each.unlink()


@pytest.fixture
def trained(environment, installed, folder):
    """A run with declnet-wave 1.0 alone, in the folder `run`."""
    installed(WAVE)
    done = environment.declnet("run", "spec.json", "--quiet", "--out", "run")
    assert done.returncode == 0, done.stderr
    return folder / "run"


def components(run):
    return json.loads((run / "manifest.json").read_text())["components"]


def gain(run):
    return set(load_file(run / "weights.safetensors")["wave_1.gain"].tolist())


def make_interrupted(run):
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))


def listing(*names):
    return ["--set", f"plugins={json.dumps(names)}"]


def test_a_spec_that_does_not_say_which_one_is_refused(environment, installed, folder):
    installed(WAVE, OTHER)
    for command in (["check"], ["run"], ["run", *listing("declnet-wave", "other-wave")]):
        done = environment.declnet(command[0], "spec.json", *command[1:])
        assert done.returncode == 2
        assert (
            'error[E009]: layer type "wave" is offered by declnet-wave 1.0 and other-wave 2.0\n'
        ) in done.stderr
        assert done.stdout == ""
    assert "remove all but the one to use" in done.stderr
    listed = environment.declnet("plugins").stdout.partition("warning: several")[2]
    rows = {line.split()[1]: line for line in listed.splitlines() if "other-wave" in line}
    assert set(rows) == {"wave", "tanh", "level"}
    assert "none" in rows["wave"]
    assert rows["tanh"].rstrip().endswith("declnet 0.1.0")
    shown = environment.declnet("plugins", "show", "wave")
    assert (shown.returncode, shown.stderr) == (0, "")
    for name in ("declnet_wave.Wave", "other_wave.Wave"):
        assert f"class: {name}\n" in shown.stdout


@pytest.mark.parametrize("chosen", [WAVE, OTHER], ids=" ".join)
def test_the_spec_decides_by_its_plugins(environment, installed, folder, chosen):
    """For the layer, for the initializer that the layer names, and in worker processes."""
    installed(WAVE, OTHER)
    name, version = chosen
    plugins = listing(f"{name}=={version}")
    done = environment.declnet("run", "spec.json", *plugins, "--quiet", "--out", "run")
    assert done.returncode == 0, done.stderr
    swept = environment.declnet(
        "sweep", "spec.json", *plugins, "--seeds", "1,2", "--jobs", "2", "--out", "sweep"
    )
    assert swept.returncode == 0, swept.stderr
    runs = [folder / "run", *(each.parent for each in (folder / "sweep").rglob("manifest.json"))]
    assert len(runs) == 3
    for run in runs:
        found = components(run)
        assert found["layer"]["wave"] == found["initializer"]["level"] == f"{name}=={version}"
        assert gain(run) == {LEVELS[chosen]}
    for arguments in READ.values():
        if arguments[0] != "report":
            again = environment.declnet(*arguments)
            assert again.returncode == 0, again.stderr


def test_declnets_own_type_comes_from_declnet_unless_another_is_listed(
    environment, installed, folder
):
    installed(OTHER)
    for plugins, expected in (
        ([], "declnet==0.1.0"),
        (listing("declnet"), "declnet==0.1.0"),
        (listing("other-wave>=2"), "other-wave==2.0"),
        (listing("declnet", "other-wave"), "other-wave==2.0"),
    ):
        done = environment.declnet("run", "tanh.json", *plugins, "--quiet", "--out", "run")
        assert done.returncode == 0, done.stderr
        assert components(folder / "run")["layer"]["tanh"] == expected
        predicted = environment.declnet("predict", "run", "points.npy")
        assert (predicted.returncode, predicted.stderr) == (0, "")
        shutil.rmtree(folder / "run")


@pytest.mark.parametrize("arguments", READ.values(), ids=READ)
def test_a_run_is_not_read_with_anothers_component(environment, installed, trained, arguments):
    if arguments[0] == "report":
        pytest.importorskip("jinja2", reason="needs the extra report")
        pytest.importorskip("vl_convert", reason="needs the extra report")
        environment.install("jinja2", "pygments", "vl-convert-python", isolated=True)
    installed(OTHER)
    make_interrupted(trained)
    done = environment.declnet(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'error: run: initializer "level" came from declnet-wave 1.0, but is now offered by '
        'other-wave 2.0; layer "wave" came from declnet-wave 1.0, but is now offered by '
        'other-wave 2.0 (pip install "declnet-wave==1.0")\n'
    )


@pytest.mark.parametrize("function", ["load_model", "load_predictor", "resume"])
def test_nor_by_a_program(environment, installed, trained, function):
    installed(OTHER)
    program = f"import declnet\ntry: declnet.{function}('run')\n"
    done = environment.call("python", "-c", f"{program}except declnet.OriginError as e: print(e)")
    assert "came from declnet-wave 1.0, but is now offered by other-wave 2.0" in done.stdout


def test_with_both_installed_the_runs_own_is_used(environment, installed, trained):
    expected = environment.declnet("predict", "run", "points.npy")
    assert (expected.returncode, expected.stderr) == (0, "")
    installed(WAVE, OTHER)
    done = environment.declnet("predict", "run", "points.npy")
    assert (done.stdout, done.stderr) == (expected.stdout, "")
    weights = (trained / "weights.safetensors").read_bytes()
    make_interrupted(trained)
    assert environment.declnet("resume", "run").returncode == 0
    assert (trained / "weights.safetensors").read_bytes() == weights
    assert components(trained)["layer"]["wave"] == "declnet-wave==1.0"


def test_with_none_installed_the_error_says_which_one_it_was(environment, installed, trained):
    installed()
    done = environment.declnet("predict", "run", "points.npy")
    assert done.returncode == 2
    assert 'error[E015]: layer type "wave" is not installed\n' in done.stderr
    assert 'it came from declnet-wave 1.0: pip install "declnet-wave==1.0"' in done.stderr


def test_another_version_is_noted_and_only_resumed_where_that_is_allowed(
    environment, installed, trained
):
    expected = environment.declnet("predict", "run", "points.npy").stdout
    installed(NEWER)
    note = "note: declnet-wave was 1.0 when this run was made, and is 1.1 now\n"
    done = environment.declnet("predict", "run", "points.npy")
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, note)
    assert environment.declnet("evaluate", "run").stderr == note
    program = "import declnet; declnet.load_model('run')"
    assert (
        "DeclnetWarning: declnet-wave was 1.0" in environment.call("python", "-c", program).stderr
    )
    make_interrupted(trained)
    done = environment.declnet("resume", "run")
    assert done.returncode == 2
    assert "declnet-wave was 1.0 and is 1.1" in done.stderr
    assert "--allow-changes" in done.stderr
    done = environment.declnet("resume", "run", "--allow-changes")
    assert done.returncode == 0, done.stderr
    assert components(trained)["layer"]["wave"] == "declnet-wave==1.1"
