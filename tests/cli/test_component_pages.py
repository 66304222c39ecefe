"""What `declnet plugins show` prints of a field."""

from __future__ import annotations

from declnet import default_registry
from declnet.cli.component_pages import describe


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
