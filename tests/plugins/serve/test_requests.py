"""The headers and the query of a request."""

from __future__ import annotations

import pytest

from declnet_plugins.serve.problems import ProblemError
from declnet_plugins.serve.requests import Query, accepted_form, body_form, require_method


def outcome(call, *arguments):
    try:
        return call(*arguments)
    except ProblemError as problem:
        return problem.status


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"), ("*/*", "json"), ("application/json", "json"), ("text/csv", "csv"),
        ("text/*", "csv"), ("application/*", "json"), ("TEXT/CSV ; header=present", "csv"),
        ("text/csv, application/json", "json"), ("text/csv, application/json;q=0.9", "csv"),
        ("application/json;q=0.5, */*", "csv"), ("text/csv;q=0, */*;q=0.1", "json"),
        ("text/*;q=0.2, text/csv;q=0.8, */*;q=0.5", "csv"), ("text/csv;q=7, text/*;q=0", "csv"),
        ("text/csv;q=x, */*;q=0.1", "json"), ("*/*;q=0.9, text/csv;q=0.1", "json"),
        ("image/png", 406), ("text/csv;q=0", 406), ("text/csv;q=-1", 406), ("", 406),
    ],
)  # fmt: skip
def test_the_answer_has_the_format_with_the_highest_quality(accept, form):
    headers = {} if accept is None else {b"accept": accept.encode()}
    assert outcome(accepted_form, headers) == form


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"content-type": "application/json"}, "json"), ({"content-type": "text/csv"}, "csv"),
        ({"content-type": 'text/csv; charset="UTF-8"'}, "csv"), ({}, 415),
        ({"content-type": "text/csv;charset=latin-1"}, 415), ({"content-type": "text/plain"}, 415),
        ({"content-type": "text/csv", "content-encoding": " Identity "}, "csv"),
        ({"content-type": "text/csv", "content-encoding": "gzip"}, 415),
    ],
)  # fmt: skip
def test_a_body_is_json_or_csv_in_utf_8(headers, form):
    encoded = {name.encode(): value.encode() for name, value in headers.items()}
    assert outcome(body_form, encoded) == form


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("", Query()), ("spread=true", Query(spread=True)), ("spread=false", Query()),
        ("on_error=empty&spread=true", Query(spread=True, on_error="empty")),
        ("on_error=fail", Query()), ("spread=", 400), ("spread=1", 400), ("other=true", 400),
    ],
)  # fmt: skip
def test_a_query_has_known_parameters(query, meaning):
    assert outcome(Query.of, query.encode()) == meaning


def test_other_methods_are_refused_with_those_allowed():
    require_method("GET", "GET", "HEAD")
    with pytest.raises(ProblemError) as caught:
        require_method("X" * 50, "GET", "HEAD")
    problem = caught.value
    assert (problem.status, problem.headers) == (405, {"allow": "GET, HEAD"})
    assert problem.detail == f"{'X' * 20} is not allowed here"
