"""`declnet show` and `declnet diff`."""

from __future__ import annotations

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


def test_it_is_the_resolved_spec(shown):
    spec = load_spec("top.toml", CHANGES)
    assert tomllib.loads(shown) == resolved_document(spec)
    Path("again.toml").write_text(shown)
    assert load_spec("again.toml") == spec


def test_a_run_is_compared_by_the_spec_that_it_ran(declnet_cli, spec_file, document):
    spec = spec_file(document)
    declnet_cli.succeeds("run", spec, "--quiet", "--out", "out", "--set", "training.epochs=2")
    assert by_name(declnet_cli.succeeds("diff", "out", spec))["training.epochs"] == ["2", "3"]
    assert declnet_cli.succeeds("diff", "out", "out") == "no differences\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "spec.json", "absent.toml"], "absent.toml"),
        (["diff", "spec.json", "."], "this is not a run's folder"),
        (["diff", "spec.json", "wrong.json"], 'error[E013]: "seed" must be at least 0, not -1\n'),
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
