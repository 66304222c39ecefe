"""`declnet plugins new`: the generated package works unchanged, for every kind."""

import json

import pytest

from declnet.cli.plugins.commands import KINDS

pytestmark = pytest.mark.xdist_group("environment")


def test_from_nothing_to_a_spec_that_uses_the_plugin(environment, tmp_path):
    assert environment.declnet("plugins", "new", "twofold", "--into", tmp_path).returncode == 0
    package = tmp_path / "declnet-twofold"
    environment.install(package)
    tested = environment.call("python", "-m", "pytest", "-q", package, "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout
    spec = tmp_path / "spec.json"
    document = {
        "declnet": 1,
        "data": {"train": {"type": "nnfs_vertical", "samples": 10, "classes": 3}},
        "model": {"layers": [{"type": "dense", "units": 3}, "twofold", "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 5},
    }
    spec.write_text(json.dumps(document))
    ran = environment.declnet("run", spec, "--out", tmp_path / "out")
    assert ran.returncode == 0, ran.stderr
    checked = environment.declnet("plugins", "check", "declnet-twofold")
    assert checked.returncode == 0, checked.stdout
    environment.uninstall("declnet-twofold")


def test_the_template_of_every_kind_passes_the_kit(environment, tmp_path):
    names = [f"declnet-my-{kind.replace('_', '-')}" for kind in KINDS]
    for kind, name in zip(KINDS, names, strict=True):
        made = environment.declnet("plugins", "new", name, "--kind", kind, "--into", tmp_path)
        assert made.returncode == 0, made.stderr
    environment.install_many([tmp_path / name for name in names], tmp_path / "wheels")
    results = {name: environment.declnet("plugins", "check", name) for name in names}
    environment.uninstall(*names)
    failed = {name: done.stdout + done.stderr for name, done in results.items() if done.returncode}
    assert not failed


def test_nothing_is_overwritten(environment, tmp_path):
    (tmp_path / "declnet-mine").mkdir()
    kept = tmp_path / "declnet-mine" / "kept.txt"
    kept.write_text("mine")
    done = environment.declnet("plugins", "new", "mine", "--into", tmp_path)
    assert done.returncode == 2
    assert "already exists" in done.stderr
    assert [each.name for each in kept.parent.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize("name", ["9lives", "déjà", "a b", "declnet-"])
def test_a_name_that_python_does_not_take_is_refused(environment, tmp_path, name):
    done = environment.declnet("plugins", "new", name, "--into", tmp_path)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []
