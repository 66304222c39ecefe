"""`declnet show` on the command line."""

from __future__ import annotations

import re
import tomllib

import pytest


@pytest.fixture
def files(spec_file, document):
    """A spec, `top.toml`, that extends another, `base.json`."""
    spec_file(document, "base.json")
    return spec_file('extends = "base.json"\n[training]\nepochs = 7\n', "top.toml")


def test_each_value_says_where_it_came_from(declnet_cli, files):
    out = declnet_cli.succeeds("show", "top.toml", "--set", "seed=5")
    for line in (
        "seed = 5  # --set",
        "epochs = 7  # top.toml:3",
        'name = "small"  # base.json:1',
        "log_every = 1  # default",
    ):
        assert f"\n{line}\n" in out
    assert not out.endswith("\n\n")


def test_what_it_prints_is_a_spec_that_says_the_same(declnet_cli, files, spec_file, tmp_path):
    out = declnet_cli.succeeds("show", "top.toml")
    spec_file(out, "whole.toml")
    assert tomllib.loads(declnet_cli.succeeds("show", "whole.toml")) == tomllib.loads(out)
    assert declnet_cli.succeeds("diff", "top.toml", "whole.toml") == "no differences\n"
    declnet_cli.succeeds("run", "whole.toml", "--quiet")


def test_it_needs_no_data(declnet_cli, files, tmp_path):
    (tmp_path / "data.npz").unlink()
    assert 'type = "npz"' in declnet_cli.succeeds("show", "top.toml")


def test_a_wrong_spec_is_told_and_not_shown(declnet_cli, files):
    done = declnet_cli("show", "top.toml", "--set", "training.epochs=0", "--set", "sead=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        'error[E013]: "epochs" must be at least 1, not 0\n --> --set:1:17'
    )
    assert 'error[E010]: unknown key "sead"\n --> --set:2:1\n' in done.stderr
    assert "\n2 errors; " in done.stderr


def test_a_missing_file_is_told(declnet_cli):
    done = declnet_cli("show", "absent.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[E001]: there is no such file\n --> absent.toml\n")


def table(out):
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]
    return {line[0]: line[1:] for line in lines if len(line) == 3}


@pytest.fixture
def differences(declnet_cli, spec_file, changed, document):
    """What differs between a document and the same with changes."""

    def find(changes):
        spec_file(document, "one.json")
        spec_file(changed(document, changes), "two.json")
        return table(declnet_cli.succeeds("diff", "one.json", "two.json"))

    return find


def test_specs_that_say_the_same_do_not_differ(declnet_cli, spec_file, document):
    one = spec_file({**document, "loss": {"type": "categorical_crossentropy"}}, "one.json")
    two = spec_file({**document, "training": {**document["training"], "log_every": 1}}, "two.json")
    assert declnet_cli.succeeds("diff", one, two) == "no differences\n"


def test_differing_keys_are_shown_with_both_values(differences):
    assert differences({"training.epochs": 9, "training.metrics": [], "name": "a b"}) == {
        "name": ['"small"', '"a b"'],
        "training.epochs": ["3", "9"],
        "training.metrics.0.type": ['"accuracy"', "-"],
    }


def test_another_type_differs_in_all_its_keys(differences):
    found = differences({"optimizer": {"type": "adam", "learning_rate": 0.1}})
    assert found["optimizer.type"] == ['"sgd"', '"adam"']
    assert found["optimizer.momentum"] == ["0.0", "-"]
    assert found["optimizer.beta_1"] == ["-", "0.9"]
    assert "optimizer.learning_rate" not in found


def test_a_layer_in_between_is_one_difference(differences, document):
    layers = document["model"]["layers"]
    found = differences(
        {"model.layers": [*layers[:2], {"type": "dropout", "rate": 0.5}, *layers[2:]]}
    )
    assert found["model.layers"] == [
        '"dense_1, relu_1, dense_2, softmax_1"',
        '"dense_1, relu_1, dropout_1, dense_2, softmax_1"',
    ]
    assert found["model.layers.dropout_1.rate"] == ["-", "0.5"]
    assert not [key for key in found if key.startswith("model.layers.dense")]


def test_a_run_is_compared_by_the_spec_that_it_ran(declnet_cli, spec_file, document):
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "out", "--set", "training.epochs=2")
    assert table(declnet_cli.succeeds("diff", "out", spec)) == {"training.epochs": ["2", "3"]}
    assert declnet_cli.succeeds("diff", "out", "out") == "no differences\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spec.json", "absent.toml"], "absent.toml"),
        (["spec.json", "."], "this is not a run's folder"),
        (["spec.json", "wrong.json"], 'error[E013]: "seed" must be at least 0, not -1\n --> wrong'),
        (["spec.json"], "Usage: "),
    ],
)
def test_what_cannot_be_compared_is_refused(declnet_cli, spec_file, document, arguments, message):
    spec_file(document)
    spec_file({**document, "seed": -1}, "wrong.json")
    done = declnet_cli("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
