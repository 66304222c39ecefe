"""Versions of the format; those after the first are invented."""

from __future__ import annotations

import pytest

from declnet.spec.upgrades import CURRENT, UPGRADES, missing_version, upgraded


def rename_rate(document):
    optimizer = dict(document["optimizer"])
    optimizer["learning_rate"] = optimizer.pop("rate")
    return {**document, "optimizer": optimizer}


def drop_log(document):
    return {key: value for key, value in document.items() if key != "log"}


INVENTED = {1: rename_rate, 2: drop_log}
FIRST = {"declnet": 1, "log": True, "optimizer": {"type": "sgd", "rate": 0.5}}


def test_there_is_an_upgrade_from_every_version_but_the_current():
    assert sorted(UPGRADES) == list(range(1, CURRENT))


@pytest.mark.parametrize(
    ("document", "current", "expected"),
    [
        (FIRST, 1, FIRST),
        (
            FIRST,
            2,
            {"declnet": 2, "log": True, "optimizer": {"type": "sgd", "learning_rate": 0.5}},
        ),
        (FIRST, 3, {"declnet": 3, "optimizer": {"type": "sgd", "learning_rate": 0.5}}),
        ({"declnet": 2, "log": 1, "a": 1}, 3, {"declnet": 3, "a": 1}),
        ({"declnet": 3, "log": 1}, 3, {"declnet": 3, "log": 1}),
    ],
)
def test_a_document_goes_from_version_to_version(document, current, expected):
    assert upgraded(document, INVENTED, current) == (expected, [])


def test_one_without_a_version_is_of_the_first():
    document = {key: value for key, value in FIRST.items() if key != "declnet"}
    assert upgraded(document, INVENTED, 2)[0]["optimizer"]["learning_rate"] == 0.5
    assert upgraded(document, INVENTED, 1) == (document, [])


def test_the_document_itself_is_left_alone():
    before = {**FIRST, "optimizer": dict(FIRST["optimizer"])}
    upgraded(FIRST, INVENTED, 3)
    assert before == FIRST


@pytest.mark.parametrize(
    ("version", "message", "hint"),
    [
        ("1", "must be a whole number", "write declnet = 3"),
        (1.0, "must be a whole number", "write declnet = 3"),
        (True, "must be a whole number", "write declnet = 3"),
        (None, "must be a whole number", "write declnet = 3"),
        (0, "there is no version 0", "write declnet = 3"),
        (-1, "there is no version -1", "write declnet = 3"),
        (4, "this is version 4 of the format; this declnet reads 3", "pip install --upgrade"),
        (16**5000, "this is version a very large number", "pip install --upgrade"),
        (-(16**5000), "there is no version a very large number", "write declnet = 3"),
    ],
    ids=lambda value: str(value)[:10] if not isinstance(value, int) else "",
)
def test_what_is_no_version_is_refused_and_the_document_stays(version, message, hint):
    document = {**FIRST, "declnet": version}
    found, (problem,) = upgraded(document, INVENTED, 3)
    assert found is document
    assert (problem.code, problem.path) == ("E007", ("declnet",))
    assert message in problem.message
    assert problem.help.startswith(hint)


@pytest.mark.parametrize(
    ("syntax", "written"), [("toml", f"declnet = {CURRENT}"), ("json", f'"declnet": {CURRENT}')]
)
def test_a_missing_version_is_told_with_what_to_write(syntax, written):
    (problem,) = missing_version({}, syntax)
    assert (problem.code, problem.path) == ("E007", ("declnet",))
    assert problem.message == "the version of the format is missing"
    assert problem.help == f"write {written} at the top"
    _, (problem,) = upgraded({"declnet": 0}, syntax=syntax)
    assert problem.help == f"write {written}"
    assert missing_version({"declnet": "whatever"}) == []
