"""A spec in full, with the origin of each value behind it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from declnet import load_spec
from declnet.cli.annotated_spec import annotated
from declnet.spec.model import resolved_document

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


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("base.toml").write_text(BASE)
    Path("top.toml").write_text(TOP)
    return load_spec(
        "top.toml",
        {
            "training.epochs": 7,
            "data.test.type": "nnfs_spiral",
            "data.test.samples": 5,
            "data.test.classes": 3,
            "training.metrics.1.name": "top # 2",
        },
    )


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


@pytest.mark.parametrize(
    ("key", "origin"),
    [
        ("declnet", "base.toml:1"),
        ("name", "default"),
        ("seed", "default"),
        ("plugins", "top.toml:2"),
        ("data.train.samples", "base.toml:6"),
        ("data.test.type", "--set"),
        ("data.test.samples", "--set"),
        ("model.dtype", "default"),
        ("model.layers.0.type", "base.toml:10"),
        ("model.layers.0.units", "base.toml:10"),
        ("model.layers.0.weight_initializer.type", "default"),
        ("model.layers.1.type", "base.toml:11"),
        ("model.layers.2.weight_regularizer.strength", "base.toml:12"),
        ("model.layers.3.type", "base.toml:13"),
        ("loss.type", "base.toml:2"),
        ("optimizer.type", "base.toml:3"),
        ("optimizer.momentum", "top.toml:4"),
        ("optimizer.learning_rate", "default"),
        ("training.epochs", "--set"),
        ("training.batch_size", "top.toml:6"),
        ("training.log_every", "default"),
    ],
)
def test_every_value_says_where_it_came_from(spec, key, origin):
    assert origins(annotated(spec))[key] == origin


def test_a_line_with_several_values_says_each_origin_once(spec):
    text = annotated(spec)
    assert '\nmetrics = [\n    { type = "accuracy" },  # base.toml:18\n' in text
    assert text.split("top_k_accuracy")[1].startswith(
        '", name = "top # 2", k = 2 },  # base.toml:18, --set\n]\n'
    )


def test_no_value_is_without_an_origin(spec):
    values = [line for line in annotated(spec).splitlines() if re.match(r"\w+ = .*[^\[]$", line)]
    assert len(values) > 30
    assert [line for line in values if "  # " not in line] == []


def test_it_is_the_resolved_spec(spec, tmp_path):
    text = annotated(spec)
    assert tomllib.loads(text) == resolved_document(spec)
    Path("again.toml").write_text(text)
    assert load_spec("again.toml") == spec
