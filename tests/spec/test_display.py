"""A spec in a notebook: every value, with its origin."""

from __future__ import annotations

import pytest

import declnet
from declnet.spec.flatten import flatten
from declnet.spec.model import resolved_document

from ..html_views import HtmlView

BASE = """\
declnet = 1
loss = "categorical_crossentropy"
optimizer = "sgd"
[data]
train = { type = "nnfs_spiral", samples = 10, classes = 3 }
[model]
layers = [{ type = "dense", units = 4 }, "relu", { type = "dense", units = 3 }, "softmax"]
[training]
epochs = 3
"""
TOP = """\
extends = "base.toml"
name = "<b>&amp;"
[variables]
rate = 0.25
[optimizer]
learning_rate = "${rate}"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "base.toml").write_text(BASE, "utf-8")
    (tmp_path / "top.toml").write_text(TOP, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_has_every_value_with_its_origin(folder):
    spec = declnet.load_spec("top.toml", {"training.epochs": 7})
    view = HtmlView(spec._repr_html_())
    rows = [row for table in view.tables for row in table]
    assert ["learning_rate", "0.25", "top.toml:6, top.toml:4"] in rows
    assert ["epochs", "7", "--set"] in rows
    assert ["units", "4", "base.toml:7"] in rows
    assert ["type", '"relu"', "base.toml:7"] in rows
    assert ["momentum", "0.0", "default"] in rows
    assert ["name", '"<b>&amp;"', "top.toml:2"] in rows
    scalars = flatten(resolved_document(spec))
    filled = [row for row in rows if row[1] != "[]"]
    assert len(filled) == len(scalars) - 1  # which has the order of the layers besides
    assert "adam" not in view.text
    assert "sgd learning_rate = 0.25" in view.text
