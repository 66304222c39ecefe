from __future__ import annotations

import pytest

from declnet import SpecError
from declnet.spec.document import read_document


def test_toml_and_json_of_the_same_say_the_same(spec_file):
    toml = spec_file('a = 1\n[b]\nc = [0.5, "x", true]\n', "spec.toml")
    json = spec_file('{"a": 1, "b": {"c": [0.5, "x", true]}}', "spec.json")
    assert read_document(toml) == read_document(json) == {"a": 1, "b": {"c": [0.5, "x", True]}}


@pytest.mark.parametrize("name", ["spec.TOML", "spec.toml"])
def test_a_byte_order_mark_and_capitals_in_the_suffix_do_no_harm(spec_file, name):
    assert read_document(spec_file("\ufeffa = 1", name)) == {"a": 1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("spec.toml", "a = 1\nb = = 2", r"malformed TOML: .*line 2, column 5"),
        ("spec.toml", "a = 1\na = 2\n\n", "malformed TOML: .*line 2"),
        ("spec.toml", "a = " + "[" * 20000, "malformed TOML"),
        ("spec.toml", "a = " + "1" * 5000, "malformed TOML"),
        ("spec.json", '{"a": 1,\n "b" 2}', r"malformed JSON: .*line 2, column 6"),
        ("spec.json", '{"a": {"b": 1, "b": 2}}', 'malformed JSON: the key "b" stands twice'),
        ("spec.json", '{"a": ' * 200_000, "malformed JSON: nested too deeply"),
        ("spec.json", '{"a": ' + "1" * 5000 + "}", "malformed JSON"),
        ("spec.json", "[1]", "a spec is a JSON object"),
        ("spec.json", "", "malformed JSON"),
        ("spec.yaml", "a: 1", r"must end in \.toml or \.json"),
        ("spec", "a = 1", r"must end in \.toml or \.json"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_no_document_is_refused_with_its_name(spec_file, name, content, message):
    path = spec_file(content, name)
    with pytest.raises(SpecError, match=message) as caught:
        read_document(path)
    assert caught.value.source == str(path)


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(SpecError, match="there is no such file"):
        read_document(tmp_path / "spec.toml")


@pytest.mark.parametrize("name", ["folder", "folder.toml"])
def test_a_folder_is_called_a_folder(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(SpecError, match="this is a folder"):
        read_document(tmp_path / name)


def test_text_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "spec.toml").write_bytes('a = "ü"'.encode("latin-1"))
    with pytest.raises(SpecError, match="not UTF-8 text: byte 5"):
        read_document(tmp_path / "spec.toml")
