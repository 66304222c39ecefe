"""`declnet schema` on the command line."""

from __future__ import annotations

import json

from declnet import default_registry
from declnet_plugins.editors.schema import json_schema


def test_the_schema_is_printed_or_written_to_a_file(declnet_cli, refused, tmp_path):
    (tmp_path / "spec.schema.json").write_text("old")
    assert declnet_cli.succeeds("schema", "-o", "spec.schema.json") == ""
    text = (tmp_path / "spec.schema.json").read_text("utf-8")
    assert json.loads(text) == json_schema(default_registry())
    assert declnet_cli.succeeds("schema") == text
    assert [path.name for path in tmp_path.iterdir()] == ["spec.schema.json"]
    message = refused("schema", "--output", "absent/spec.schema.json")
    assert "absent/spec.schema.json: cannot be written: No such file" in message
    schema = json.loads(declnet_cli.succeeds("schema", "--no-plugin", "schedules"))
    assert schema["definitions"]["schedule-types"]["enum"] == []
