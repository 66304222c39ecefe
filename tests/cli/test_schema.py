from __future__ import annotations

import json

from declnet import default_registry
from declnet.spec.schema import json_schema


def test_it_is_printed(declnet_cli):
    assert json.loads(declnet_cli.succeeds("schema")) == json_schema(default_registry())


def test_it_is_written_to_a_file(declnet_cli, tmp_path):
    (tmp_path / "spec.schema.json").write_text("old")
    assert declnet_cli.succeeds("schema", "-o", "spec.schema.json") == ""
    assert (tmp_path / "spec.schema.json").read_text("utf-8") == declnet_cli.succeeds("schema")
    assert [each.name for each in tmp_path.iterdir()] == ["spec.schema.json"]


def test_a_plugin_can_be_left_out(declnet_cli):
    schema = json.loads(declnet_cli.succeeds("schema", "--no-plugin", "schedules"))
    assert schema["definitions"]["schedule-types"]["enum"] == []


def test_a_folder_that_is_not_there_is_no_traceback(declnet_cli):
    done = declnet_cli("schema", "--output", "nowhere/spec.schema.json")
    assert done.returncode == 2
    assert "nowhere/spec.schema.json: cannot be written: No such file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_plugin_is_left_out_with_a_warning(declnet_cli, tmp_path):
    package = tmp_path / "declnet_torn"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('torn')\n")
    about = tmp_path / "declnet_torn-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: declnet-torn\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[declnet]\ntorn = declnet_torn\n")
    done = declnet_cli("schema", "-o", "spec.schema.json")
    assert done.returncode == 0
    assert "warning: left out: plugin torn (declnet-torn 1.0): ImportError: torn" in done.stderr
    assert json.loads((tmp_path / "spec.schema.json").read_text("utf-8"))["definitions"]
