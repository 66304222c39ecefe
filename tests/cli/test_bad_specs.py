"""Specs that are wrong, as real processes: exit code 2, words on stderr, no traceback."""

from __future__ import annotations

import copy

import pytest

from declnet.spec.overrides import apply_overrides


@pytest.fixture
def refused(declnet_cli, tmp_path):
    """Runs the command line, which must refuse, and write nothing; returns what it said."""

    def run(*arguments, code=2, command="run"):
        before = sorted(tmp_path.iterdir())
        done = declnet_cli(command, *arguments)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr
        assert done.stderr.startswith(("error: ", "Usage: "))
        assert sorted(tmp_path.iterdir()) == before
        return done.stderr

    return run


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_missing_file(refused, command):
    assert "absent.toml: 1 problem\n  there is no such file" in refused(
        "absent.toml", command=command
    )


def test_malformed_toml_is_told_with_its_line(refused, spec_file):
    assert "malformed TOML" in refused(spec_file("a = 1\nb = [1,\n\nc = 3", "spec.toml"))
    assert "(at line 2, column 5)" in refused(spec_file("a = 1\nb = \n", "spec.toml"))


def test_malformed_json_is_told_with_its_line(refused, spec_file):
    assert "(at line 2, column 1)" in refused(spec_file('{"a": 1,\n', "spec.json"))


@pytest.mark.parametrize("name", ["folder", "folder.toml"])
def test_a_folder(refused, tmp_path, name):
    (tmp_path / name).mkdir()
    assert "this is a folder" in refused(tmp_path / name)


def test_another_suffix(refused, spec_file):
    assert ".toml or .json" in refused(spec_file("a: 1", "spec.yaml"))


CHANGES = [
    ("sead", 1, 'sead: unknown key (did you mean "seed"?)'),
    ("model.layers.0.unit", 1, 'model.layers.0.unit: unknown key (did you mean "units"?)'),
    ("training.epochs", "ten", 'training.epochs: must be a whole number, not "ten"'),
    ("training.shuffle", 1, "training.shuffle: must be true or false, not 1"),
    ("optimizer.learning_rate", float("nan"), "optimizer.learning_rate: must be"),
    ("optimizer.momentum", 1.5, "optimizer.momentum: must be less than 1, not 1.5"),
    ("training.epochs", 0, "training.epochs: must be greater than or equal to 1, not 0"),
    ("model.layers.1", "rleu", 'unknown layer type "rleu" (did you mean "relu"?)'),
    ("loss", "crossentropy", 'unknown loss type "crossentropy"'),
    ("model.layers.2.units", 2, "2 units do not fit the labels, which have 3 classes"),
    ("model.layers.1", {"type": "relu", "inputs": ["dense_2"]}, '"dense_2" stands below'),
    ("data.train.path", "absent.npz", "there is no such file"),
    ("data.validation", 0.001, "leaves 0 for validation"),
    ("model.layers.0.units", 10**12, "memory"),
    ("plugins", ["declnet-nosuch"], 'declnet-nosuch is not installed (pip install "'),
]


@pytest.mark.parametrize(("key", "value", "message"), CHANGES, ids=[c[0] for c in CHANGES])
def test_a_wrong_value(refused, document, spec_file, key, value, message):
    spec = spec_file(apply_overrides(document, {key: value}))
    assert message in refused(spec)


def test_several_faults_of_all_sorts_are_reported_together(refused, document, spec_file):
    broken = copy.deepcopy(document)
    broken["training"]["epoch"] = 1
    broken["optimizer"]["momentum"] = 2
    broken["data"]["test"] = {"type": "npz", "path": "absent.npz"}
    broken["model"]["layers"][0] = {"type": "softmax", "inputs": ["nowhere"]}
    message = refused(spec_file(broken))
    assert ": 4 problems" in message
    for part in (
        "training.epoch: unknown key",
        "optimizer.momentum: must be less than 1",
        "data.test.path: ",
        'model.layers.0.inputs.0: there is no layer "nowhere"',
    ):
        assert part in message


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("nonsense", "KEY=VALUE"),
        ("=1", "KEY=VALUE"),
        ("model.layers.9.units=1", "model.layers has no item 9 (its items are 0 to 3)"),
        ("training.epochs.x=1", "training.epochs is 3, which has no keys"),
        ("training.epochs=1.5", "training.epochs: must be a whole number, not 1.5"),
        ("trainig.epochs=1", 'trainig: unknown key (did you mean "training"?)'),
        ("seed=" + "9" * 5000, "seed: must be a whole number"),
    ],
    ids=lambda text: text[:25],
)
def test_a_wrong_override(refused, document, spec_file, override, message):
    assert message in refused(spec_file(document), "--set", override)


@pytest.mark.parametrize("arguments", [[], ["--nosuch"], ["a.toml", "b.toml"]])
def test_wrong_usage(refused, arguments):
    assert "Usage: " in refused(*arguments)
