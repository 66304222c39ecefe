"""`declnet show` and `declnet diff`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from declnet import load_spec
from declnet.spec.model import resolved_document

from .conftest import by_name

BASE = """\
declnet = 1
loss = "categorical_crossentropy"
optimizer = "sgd"

[data]
train = { type = "nnfs_spiral", samples = 10, classes = 3 }

[model]
layers = [
  { type = "dense", units = 4 },
  "relu",
  { type = "dense", units = 3, weight_regularizer = { type = "l2", strength = 0.1 } },
  "softmax",
]

[training]
epochs = 3
metrics = ["accuracy", { type = "top_k_accuracy", k = 2 }]
"""
TOP = """\
extends = "base.toml"
plugins = ["declnet", "numpy"]
[optimizer]
momentum = 0.9
[training]
batch_size = 5
"""
CHANGES = {
    "training.epochs": 7,
    "data.test": {"type": "npz", "path": "absent.npz"},
    "training.metrics.1.name": "top # 2",
}
SET = [
    "--set=training.epochs=7",
    "--set=data.test={type='npz', path='absent.npz'}",
    "--set=training.metrics.1.name='top # 2'",
]


@pytest.fixture
def shown(declnet_cli, spec_file, monkeypatch):
    """What is shown of a spec that extends another, with overrides and a missing file."""
    spec_file(BASE, "base.toml")
    spec_file(TOP, "top.toml")
    monkeypatch.chdir(declnet_cli.folder)
    return declnet_cli.succeeds("show", "top.toml", *SET)


def origins(text):
    """What is said behind each value, by section and key; of layers by position."""
    found, section, count = {}, "", {}
    for line in text.splitlines():
        if match := re.fullmatch(r"\[\[?([\w.]+)\]\]?", line):
            section = match[1]
            if line.startswith("[["):
                count[section] = count.get(section, -1) + 1
            if section.startswith("model.layers"):
                section = section.replace("layers", f"layers.{count['model.layers']}", 1)
        elif match := re.fullmatch(r"(\w+) = .*  # (.+)", line):
            key = f"{section}.{match[1]}".lstrip(".")
            assert key not in found, key
            found[key] = match[2]
    return found


def test_every_value_says_where_it_came_from(shown):
    found = origins(shown)
    assert len(found) > 30
    assert (
        found
        | {
            "declnet": "base.toml:1",
            "name": "default",
            "seed": "default",
            "plugins": "top.toml:2",
            "data.train.samples": "base.toml:6",
            "data.test.type": "--set",
            "data.test.path": "--set",
            "model.dtype": "default",
            "model.layers.0.type": "base.toml:10",
            "model.layers.0.units": "base.toml:10",
            "model.layers.0.weight_initializer.type": "default",
            "model.layers.1.type": "base.toml:11",
            "model.layers.2.weight_regularizer.strength": "base.toml:12",
            "model.layers.3.type": "base.toml:13",
            "loss.type": "base.toml:2",
            "optimizer.type": "base.toml:3",
            "optimizer.momentum": "top.toml:4",
            "optimizer.learning_rate": "default",
            "training.epochs": "--set",
            "training.batch_size": "top.toml:6",
            "training.log_every": "default",
        }
        == found
    )
    values = [line for line in shown.splitlines() if re.match(r"\w+ = .*[^\[]$", line)]
    assert [line for line in values if "  # " not in line] == []


def test_a_line_with_several_values_says_each_origin_once(shown):
    assert '\nmetrics = [\n    { type = "accuracy" },  # base.toml:18\n' in shown
    assert shown.split("top_k_accuracy")[1].startswith(
        '", name = "top # 2", k = 2 },  # base.toml:18, --set\n]\n'
    )


def test_it_is_the_resolved_spec(shown):
    spec = load_spec("top.toml", CHANGES)
    assert tomllib.loads(shown) == resolved_document(spec)
    Path("again.toml").write_text(shown)
    assert load_spec("again.toml") == spec


def test_a_wrong_spec_is_reported_and_not_shown(refused, spec_file, document):
    spec_file(document)
    said = refused("show", "spec.json", "--set", "training.epochs=0", "--set", "sead=1")
    assert said.startswith('error[E013]: "epochs" must be at least 1, not 0\n --> --set:1:17')
    assert 'error[E010]: unknown key "sead"\n --> --set:2:1\n' in said
    assert "\n2 errors; " in said


def test_specs_that_say_the_same_do_not_differ(declnet_cli, spec_file, document):
    one = spec_file({**document, "loss": {"type": "categorical_crossentropy"}}, "one.json")
    two = spec_file({**document, "training": {**document["training"], "log_every": 1}}, "two.json")
    assert declnet_cli.succeeds("diff", one, two) == "no differences\n"


def test_differing_keys_are_shown_with_both_values(declnet_cli, spec_file, changed, document):
    spec_file(document, "one.json")
    changes = {"training.epochs": 9, "training.metrics": [], "name": "a b"}
    spec_file(changed(document, changes), "two.json")
    found = by_name(declnet_cli.succeeds("diff", "one.json", "two.json"))
    assert {key: cells for key, cells in found.items() if len(cells) == 2} == {
        "name": ['"small"', '"a b"'],
        "training.epochs": ["3", "9"],
        "training.metrics.0.type": ['"accuracy"', "-"],
    }


def test_a_run_is_compared_by_the_spec_that_it_ran(declnet_cli, spec_file, document):
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "out", "--set", "training.epochs=2")
    assert by_name(declnet_cli.succeeds("diff", "out", spec))["training.epochs"] == ["2", "3"]
    assert declnet_cli.succeeds("diff", "out", "out") == "no differences\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "absent.toml"], "error[E001]: there is no such file\n --> absent.toml\n"),
        (["diff", "spec.json", "absent.toml"], "absent.toml"),
        (["diff", "spec.json", "."], "this is not a run's folder"),
        (["diff", "spec.json", "wrong.json"], 'error[E013]: "seed" must be at least 0, not -1\n'),
        (["diff", "spec.json"], "Usage: "),
    ],
)
def test_what_cannot_be_shown_or_compared_is_refused(
    refused, spec_file, document, arguments, message
):
    spec_file(document)
    spec_file({**document, "seed": -1}, "wrong.json")
    assert message in refused(*arguments)


def test_a_sweep_is_shown_as_written_with_its_places(declnet_cli, tmp_path):
    text = BASE + '[sweep]\n"training.epochs" = [1, 2]\nseed = { from = 0, to = 3 }\n'
    (tmp_path / "swept.toml").write_text(text, "utf-8")
    shown = declnet_cli.succeeds("show", "swept.toml")
    assert tomllib.loads(shown)["sweep"] == tomllib.loads(text)["sweep"]
    line = text.split("\n").index('"training.epochs" = [1, 2]') + 1
    assert f"# swept.toml:{line}" in shown.partition("[sweep]")[2]
