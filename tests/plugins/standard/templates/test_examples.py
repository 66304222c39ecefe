"""The specs of the templates that are examples."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import pairwise

import pytest

from declnet import default_registry
from declnet_plugins.standard.templates import TEMPLATES

EXAMPLES = [name for name in TEMPLATES if default_registry().find("template", name).has_example()]
EACH = pytest.mark.parametrize("template", EXAMPLES)


def template_text(name):
    return default_registry().find("template", name)().spec()


def test_every_template_has_its_file_and_every_file_is_a_template():
    folder = files("declnet_plugins.standard.templates") / "specs"
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        f"{name}.toml" for name in EXAMPLES
    )


def test_one_is_the_default_without_a_table_and_one_for_a_table():
    defaults = {
        entry.type: entry.component.default_for
        for entry in default_registry().entries("template")
        if entry.component.default_for is not None
    }
    assert defaults == {"classification": "example", "realmlp_td": "table"}


@EACH
def test_names_in_comments_are_those_of_types(template):
    registry = default_registry()
    known = {each for kind in registry.kinds() for each in registry.types(kind)}
    known |= {"float32", "float64", "iris", "breast_cancer", "photos", "data.npz", "test.npz"}
    comments = " ".join(re.findall(r"#(.*)", template_text(template)))
    named = set(re.findall(r'"([^"]*)"', comments))
    assert named
    assert named <= known


@EACH
def test_every_key_and_layer_is_explained(template):
    """A comment on the same line or just above, or on a similar line, explains it."""
    lines = template_text(template).splitlines()
    explained = {line.partition("#")[0].strip() for line in lines if "#" in line}
    silent = [
        line
        for above, line in pairwise(lines)
        if "#" not in line and not above.startswith("#") and line.strip() not in explained
    ]
    headings = {"[data]", "[model]", "[optimizer]", "[training]"}
    assert set(silent) <= headings | {"", "]"}
