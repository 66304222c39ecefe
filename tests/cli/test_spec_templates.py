from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.resources import files
from itertools import pairwise
from types import ModuleType

import pytest

from declnet import default_registry
from declnet.cli.spec_templates import TEMPLATES, as_json, missing, template_text

EACH = pytest.mark.parametrize("template", TEMPLATES)


def test_every_template_has_its_file_and_every_file_is_a_template():
    folder = files("declnet.cli") / "templates" / "specs"
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        f"{name}.toml" for name in TEMPLATES
    )


@EACH
def test_json_says_the_same(template):
    document = tomllib.loads(template_text(template))
    assert next(iter(document)) == "declnet"
    assert document["declnet"] == 1
    assert json.loads(as_json(template_text(template))) == document


@EACH
def test_names_in_comments_are_those_of_types(template):
    registry = default_registry()
    known = {each for kind in registry.kinds() for each in registry.types(kind)}
    known |= {"float32", "float64", "iris", "breast_cancer", "data.npz", "test.npz"}
    comments = " ".join(re.findall(r"#(.*)", template_text(template)))
    named = set(re.findall(r'"([^"]*)"', comments))
    assert named
    assert named <= known


@EACH
def test_every_key_and_layer_is_explained(template):
    """By a comment beside it or just above it, or beside another one like it."""
    lines = template_text(template).splitlines()
    explained = {line.partition("#")[0].strip() for line in lines if "#" in line}
    silent = [
        line
        for above, line in pairwise(lines)
        if "#" not in line and not above.startswith("#") and line.strip() not in explained
    ]
    headings = {"[data]", "[model]", "[optimizer]", "[training]"}
    assert set(silent) <= headings | {"", "]"}


def test_scikit_learn_is_missing_where_it_is_not_installed(tmp_path, monkeypatch):
    data = {"train": {"type": "sklearn", "dataset": "wine"}}
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert list(missing(data, tmp_path)) == [
        "it needs scikit-learn: pip install 'declnet[sklearn]'"
    ]
    installed = ModuleType("sklearn")
    installed.__spec__ = sys.__spec__
    monkeypatch.setitem(sys.modules, "sklearn", installed)
    assert list(missing(data, tmp_path)) == []
