"""`/ping` and `/invocations`."""

from __future__ import annotations

import numpy as np
import pytest

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}
OTHER = {"size": None, "age": 33.5, "color": "pink", "<i>fresh</i>": None}
SPLIT = {"columns": list(ROW), "data": [list(ROW.values()), list(OTHER.values())]}
COLUMNS = {name: [ROW[name], OTHER[name]] for name in ROW}
CSV = b"<i>fresh</i>,size,age,color\ntrue,0.25,20,red\n,,33.5,pink\n"


def test_all_formats_predict_as_predict_does(client):
    ask = client()
    expected = ask("/predict", [ROW, OTHER]).json
    for body in (
        {"dataframe_split": SPLIT},
        {"dataframe_split": {**SPLIT, "index": [0, 1]}},
        {"dataframe_records": [ROW, OTHER]},
        {"instances": [ROW, OTHER]},
        {"inputs": COLUMNS},
        {"inputs": COLUMNS, "params": {"on_error": "fail"}},
    ):
        assert ask("/invocations", body).json == expected, body
        assert ask("/models/flowers/invocations", body).json == expected
    assert ask("/invocations", CSV, content_type="text/csv; charset=utf-8").json == expected
    as_csv = ask("/invocations", {"inputs": COLUMNS}, accept="text/csv")
    assert as_csv.body == ask("/predict", COLUMNS, accept="text/csv").body
    wrong = [{**ROW, "size": "large"}, ROW]
    body = {"dataframe_records": wrong, "params": {"on_error": "empty"}}
    assert ask("/invocations", body).json == ask("/predict?on_error=empty", wrong).json


def test_ping(client):
    ask = client()
    assert ask("/ping").status == 200
    ask.app.stopping = True
    assert ask("/ping").status == 503


def test_arrays(client):
    ask = client("pixels")
    x = np.random.default_rng(2).normal(size=(4, 2, 3)).tolist()
    expected = ask("/predict", x).json
    for body in ({"inputs": x}, {"instances": x}, {"dataframe_split": {"data": x}}):
        assert ask("/invocations", body).json == expected


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ([ROW], "a list"), ({}, "no key"), ({"inputs": COLUMNS, "instances": []}, "inputs"),
        ({"inputs": COLUMNS, "signature_name": "x"}, "signature_name"), ({"rows": []}, "rows"),
        ({"dataframe_split": [ROW]}, "not an object"),
        ({"dataframe_split": {"data": [[1]]}}, "no columns"),
        ({"dataframe_split": {**SPLIT, "more": 1}}, "not an object"),
        ({"dataframe_split": {**SPLIT, "columns": ["size", "size"]}}, "twice"),
        ({"dataframe_split": {**SPLIT, "data": [[1, 2, 3]]}}, "row 1 has 3 cells"),
        ({"dataframe_split": {**SPLIT, "data": [list(ROW.values()), 3]}}, "row 2 is a number"),
        ({"dataframe_split": {**SPLIT, "data": {}}}, "an object, not a list"),
        ({"dataframe_split": {**SPLIT, "data": []}}, "no rows"),
        ({"dataframe_records": COLUMNS}, "not a list of rows"),
        ({"inputs": COLUMNS, "params": 3}, "params"),
        ({"inputs": COLUMNS, "params": {"on_error": "skip"}}, "unknown"),
        ({"inputs": COLUMNS, "params": {"spread": "yes"}}, "unknown"),
        ({"inputs": 3}, "a number"),
    ],
)  # fmt: skip
def test_other_bodies_are_refused(client, body, fragment):
    result = client()("/invocations", body)
    assert result.status in (400, 422)
    assert fragment in f"{result.json['detail']} {result.json.get('help')}"


def test_which_of_several_models(client):
    ask = client("flowers", "pixels")
    assert ask("/invocations", {"inputs": COLUMNS}).status == 404
    assert ask("/models/flowers/invocations", {"inputs": COLUMNS}).status == 200
