"""The specs of the templates that are examples."""

from __future__ import annotations

import re

import pytest

from declnet import default_registry
from declnet_plugins.standard.templates import COMPONENTS

EXAMPLES = [
    name
    for name in COMPONENTS["template"]["examples"].split()
    if default_registry().find("template", name).has_example()
]
EACH = pytest.mark.parametrize("template", EXAMPLES)


def template_text(name):
    return default_registry().find("template", name)().spec()


@EACH
def test_names_in_comments_are_those_of_types(template):
    registry = default_registry()
    known = {type_ for kind in registry.kinds() for type_ in registry.types(kind)}
    known |= {"float32", "float64", "iris", "breast_cancer", "photos", "data.npz", "test.npz"}
    comments = " ".join(re.findall(r"#(.*)", template_text(template)))
    named = set(re.findall(r'"([^"]*)"', comments))
    assert named
    assert named <= known
