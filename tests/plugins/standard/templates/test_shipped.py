"""The specs of `specs/` as templates: all of them, with what they need."""

from __future__ import annotations

import tomllib

import pytest

from declnet import default_registry, load_spec
from declnet_plugins.standard.templates import COMPONENTS
from declnet_plugins.standard.templates.shipped import SPECS

NAMES = COMPONENTS["template"]["shipped"].split()


def template_of(name):
    return default_registry().find("template", name)()


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_from_an_empty_folder_as_in_the_repository(name, declnet_cli, tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    declnet_cli("new", "a/b/spec.toml", "--template", name)
    written, template = tmp_path / "a" / "b" / "spec.toml", template_of(name)
    file = SPECS / (template.file or f"{name}.toml")
    if not template.requires:
        unnamed = {"name": "same"}  # instead of the file's name
        assert load_spec(written, unnamed).model == load_spec(file, unnamed).model
    assert "schema" not in written.read_text("utf-8")
    for path, content in template.files().items():
        assert (written.parent / path).read_bytes() == content


def test_every_spec_is_a_template_or_part_of_one():
    reached = set()
    for name in NAMES:
        template = template_of(name)
        file = SPECS / (template.file or f"{name}.toml")
        reached |= {file, *(file.parent / other for other in template.with_files)}
    specs = {file for suffix in ("toml", "json") for file in SPECS.rglob(f"*.{suffix}")}
    assert specs - reached <= {SPECS / "spec.schema.json"}  # not in the wheel


def test_existing_files_remain(declnet_cli, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wine.csv").write_text("mine", "utf-8")
    assert "wine.csv" not in declnet_cli("new", "wine.toml", "--template", "two_heads").stderr
    assert (tmp_path / "data" / "wine.csv").read_text("utf-8") == "mine"
    assert tomllib.loads((tmp_path / "wine.toml").read_text("utf-8"))["name"] == "two_heads"
