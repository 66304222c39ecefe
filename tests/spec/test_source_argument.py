"""Inline tables that declare a data source as an argument of a command."""

from __future__ import annotations

import pytest

from declnet import SpecError, default_registry
from declnet.spec.source_argument import declared_source
from declnet_plugins.standard.data.csv import CSV
from declnet_plugins.standard.data.sql import SQL

REGISTRY = default_registry()


def marked(place):
    return place.text[place.column - 1 : place.end_column - 1]


def test_missing_keys_are_taken_from_the_training_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    like = CSV(path="/data/old.csv", delimiter=";", target="y", types={"a": "text"})
    new = declared_source('{ path = "new.csv" }', "INPUT", REGISTRY, like)
    assert new == CSV(path=tmp_path / "new.csv", delimiter=";", target="y", types={"a": "text"})
    several = declared_source('{type = "csv", targets = ["a", "b"]}', "INPUT", REGISTRY, like)
    assert several == CSV(
        path="/data/old.csv", delimiter=";", targets=("a", "b"), types={"a": "text"}
    )
    other = '{ type = "sql", url = "sqlite:///a.db", query = "SELECT 1" }'
    source = declared_source(other, "INPUT", REGISTRY, like)
    assert source == SQL(url=f"sqlite:///{tmp_path}/a.db", query="SELECT 1")


@pytest.mark.parametrize(
    ("text", "code", "message", "part"),
    [
        ('{ pth = "a" }', "E010", 'unknown key "pth"', "pth"),
        ('{ "path" = 3 }', "E012", '"path" must be a path, not 3', "3"),
        ('{ decimal = ";" }', "E014", """"decimal" must be "." or ",", not ";\"""", '";"'),
        ('{ type = "csw" }', "E015", 'data source type "csw" is not installed', '"csw"'),
        ('{ type = "npy" }', "E011", '"y" is missing', '{ type = "npy" }'),
        ('{ path = "a" ', "E002", "not a valid inline table", '{ path = "a" '),
        ("{ a = " + "[" * 5000, "E002", "not a valid inline table", "{ a = " + "[" * 5000),
    ],
    ids=lambda value: value[:20],
)
def test_each_error_has_its_place(text, code, message, part):
    with pytest.raises(SpecError) as caught:
        declared_source(text, "--data", REGISTRY, CSV(path="a.csv"))
    problem = caught.value.problems[0]
    assert (problem.code, problem.message[: len(message)]) == (code, message)
    assert (problem.place.file, problem.place.line) == ("--data", 1)
    assert marked(problem.place) == part
