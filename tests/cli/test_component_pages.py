"""What `declnet plugins show` prints of a field."""

from __future__ import annotations

import pytest
from pydantic import Field

from declnet import Initializer, Layer, default_registry
from declnet.cli.component_pages import describe, describe_field
from declnet_plugins.standard.initializers import Normal, Zeros


class Started(Layer):
    type = "started"

    named: Initializer = "zeros"
    plain: Initializer = Normal()
    changed: Initializer = Normal(std=0.3)
    table: Initializer = Field(default={"type": "normal", "std": 0.2})
    made: Initializer = Field(default_factory=Zeros)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("named", "zeros"),
        ("plain", "normal"),
        ("changed", '{ type = "normal", std = 0.3 }'),
        ("table", '{ type = "normal", std = 0.2 }'),
        ("made", "zeros"),
    ],
)
def test_the_default_of_an_initializer_is_shown_as_a_spec_has_it(name, default):
    assert describe_field(name, Started.model_fields[name]).default == default


def test_defaults_are_shown_as_they_are_written_in_toml():
    fields = {
        (entry.type, field.name): field.default
        for entry in default_registry().entries()
        for field in describe(entry).fields
    }
    assert fields["csv", "types"] == "{}"
    assert fields["csv", "missing"].startswith('["", "NA", ')
    assert fields["conv2d", "stride"] == "[1, 1]"
    assert not [each for each in fields.values() if each.startswith(("(", "Pydantic"))]
