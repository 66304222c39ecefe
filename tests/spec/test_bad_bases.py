"""Bases that are missing, malformed, or extend each other in a circle."""

from __future__ import annotations

import os

import pytest

from declnet import SpecError, load_spec
from declnet.spec.composition import compose

CIRCLE = "files extend each other in a circle"
OWN = "declnet = 1\nseed = -1\n"


@pytest.mark.parametrize(
    ("extends", "place", "message"),
    [
        ('"absent.toml"', "top.toml:1:11", "absent.toml: there is no such file"),
        ('"sub/absent.toml"', "top.toml:1:11", "sub/absent.toml: there is no such file"),
        ('"sub"', "top.toml:1:11", "sub: this is a folder"),
        ('"notes.txt"', "top.toml:1:11", "notes.txt: not a spec"),
        ('"a\\u0000b.toml"', "top.toml:1:11", "a b.toml: cannot be read"),
        ('""', "top.toml:1:11", ""),
        ('"loop.toml"', "top.toml:1:11", "loop.toml: cannot be read"),
        (f'"{"x" * 300}.toml"', "top.toml:1:11", "x"),
        ("3", "top.toml:1:11", '"extends" must be the name of a file, or a list of'),
        ("{ a = 1 }", "top.toml:1:11", '"extends" must be the name of a file, or a list of'),
        ('["right.toml", 3]', "top.toml:1:26", '"extends" must be the name of a file, or a'),
        ('["right.toml", "no.toml"]', "top.toml:1:26", "no.toml: there is no such file"),
        ('"top.toml"', "top.toml:1:11", f"{CIRCLE}: top.toml extends top.toml"),
        ('"./sub/../top.toml"', "top.toml:1:11", f"{CIRCLE}: top.toml extends top.toml"),
    ],
    ids=lambda value: value[:20],
)
def test_a_base_that_cannot_be_is_told_at_its_name_and_nothing_is_called_missing(
    files, told, tmp_path, extends, place, message
):
    files(top=f"extends = {extends}\n{OWN}", right="[training]\nepochs = 0\n", sub__x="")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    found = told()
    assert found[0][:2] == (place, "E006")
    assert found[0][2].startswith(message)
    assert [each[1] for each in found[1:]] == ["E013"] * (len(found) - 1)
    assert ("top.toml:3:8", "E013", '"seed" must be at least 0, not -1') in found


def test_a_circle_is_told_where_it_closes(files, told):
    files(
        top='extends = "one.toml"\ndeclnet = 1\n',
        one='extends = "two.toml"\n',
        two='\nextends = ["one.toml"]\n',
    )
    assert told() == [
        ("two.toml:2:12", "E006", f"{CIRCLE}: one.toml extends two.toml extends one.toml")
    ]


def test_a_circle_through_a_link_is_one_too(files, told, tmp_path):
    files(top='extends = "linked.toml"\n')
    (tmp_path / "linked.toml").symlink_to("top.toml")
    assert [each[:2] for each in told()] == [("top.toml:1:11", "E006")]


@pytest.mark.parametrize(
    ("name", "content", "place", "code"),
    [
        ("base.toml", b"a = 1\nb = = 2\n", "base.toml:2:5", "E002"),
        ("base.json", b'{"a": 1,\n "b" 2}', "base.json:2:6", "E002"),
        ("base.toml", b"a = 1\nb = '\xff'\n", "base.toml:2:6", "E001"),
        ("base.toml", b"a = " + b"[" * 100 + b"]" * 100, "base.toml:1:68", "E004"),
    ],
    ids=["toml", "json", "bytes", "deep"],
)
def test_a_base_that_cannot_be_parsed_is_told_at_its_own_place(
    files, told, tmp_path, name, content, place, code
):
    files(top=f'extends = "{name}"\n{OWN}')
    (tmp_path / name).write_bytes(content)
    assert [each[:2] for each in told()] == [("top.toml:3:8", "E013"), (place, code)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_base_that_may_not_be_read(files, told, tmp_path):
    files(top=f'extends = "base.toml"\n{OWN}', base=OWN)
    (tmp_path / "base.toml").chmod(0)
    assert "Permission denied" in told()[0][2]


def test_a_missing_base_of_a_base_is_told_in_that(files, told):
    files(top='extends = "sub/base.toml"\n', sub__base=f'extends = "absent.toml"\n{OWN}')
    assert [each[:2] for each in told()] == [
        ("sub/base.toml:1:11", "E006"),
        ("sub/base.toml:3:8", "E013"),
    ]


def test_a_file_that_cannot_be_read_itself_is_all_that_is_told(files, tmp_path):
    files()
    with pytest.raises(SpecError) as caught:
        compose(tmp_path / "absent.toml")
    assert [each.code for each in caught.value.problems] == ["E001"]


def test_a_chain_of_very_many_files_is_refused(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"')
    with pytest.raises(SpecError, match="more than 50 files extend one another"):
        load_spec(tmp_path / "0.toml")


def test_a_base_that_is_named_twice_at_every_level_is_read_once(tmp_path):
    for number in range(40):
        name = f"{number + 1}.toml"
        (tmp_path / f"{number}.toml").write_text(f'extends = ["{name}", "{name}"]')
    (tmp_path / "40.toml").write_text("sede = 1")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "0.toml")
    assert [each.code for each in caught.value.problems].count("E010") == 1
