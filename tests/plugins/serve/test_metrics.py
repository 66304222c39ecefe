"""Counts for Prometheus, read with Prometheus' parser."""

from __future__ import annotations

import http.client

import pytest
from prometheus_client.parser import text_string_to_metric_families

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def counts():
    return lambda ask: samples(ask("/metrics").body.decode())


def test_requests_rows_refusals_and_cells(client, counts):
    ask = client()
    version = ask("/health").json["models"]["flowers"]["version"]
    assert counts(ask)["declnet_rows_total", "flowers"] == 0
    odd = [{**ROW, "size": -900, "color": "pink"}, {**ROW, "size": None, "<i>fresh</i>": None}]
    assert ask("/predict", [ROW, *odd]).status == 200
    assert ask("/invocations", {"dataframe_records": odd}).status == 200
    assert ask("/predict", [{**ROW, "size": "large"}]).status == 422
    assert ask("/predict", [{"size": 1}]).status == 422
    assert ask("/predict", b"{").status == 400
    for path in ("/nothing", "/models/x/predict", "/v2/models/x/infer", "/favicon.ico?a=1"):
        assert ask(path).status == 404
    csv = b"size,age,color,<i>fresh</i>\n0.25,900,blue,true\n"
    assert ask("/predict", csv, content_type="text/csv").status == 200
    values = counts(ask)
    assert values["declnet_rows_total", "flowers"] == 6
    assert values["declnet_requests_total", "200", "predict"] == 2
    assert values["declnet_requests_total", "200", "invocations"] == 1
    assert values["declnet_requests_total", "422", "predict"] == 2
    assert values["declnet_requests_total", "404", "other"] == 2
    assert values["declnet_requests_total", "404", "infer"] == 1
    assert values["declnet_request_seconds_count", "predict"] == 2
    assert values["declnet_request_seconds_bucket", "+Inf", "predict"] == 2
    refusals = {n[1]: v for n, v in values.items() if n[0] == "declnet_refusals_total"}
    assert refusals == {"E035": 1, "E034": 1, "400": 1, "404": 4}
    cells = {n[1:]: v for n, v in values.items() if n[0] == "declnet_input_cells_total"}
    nonzero = {
        ("flowers", "missing", "size"): 2,
        ("flowers", "outside", "size"): 2,
        ("color", "flowers", "unseen"): 2,
        ("<i>fresh</i>", "flowers", "missing"): 2,
        ("age", "flowers", "outside"): 1,
    }
    assert {name: value for name, value in cells.items() if value} == nonzero
    assert len(cells) == 4 + 2 + 1  # missing, outside, unseen
    (info,) = [name for name in values if name[0] == "declnet_model_info"]
    assert {"flowers", version} < set(info)
    assert values["declnet_model_stale", "flowers"] == 0


def test_no_request_adds_a_label(client, counts):
    ask = client("flowers", "pixels")

    def names():
        return {name for name in counts(ask) if "status" not in name}

    def send(word):
        ask(f"/models/{word}/predict", [ROW])
        ask(f"/v2/models/flowers/versions/{word}/infer", {"inputs": []})
        ask(f"/{word}", method="BREW", x_request_id=word)
        ask("/models/flowers/predict", [{**ROW, word: 1, "color": word}])

    send("a")
    names()  # this is a request, too
    before = names()
    for number in range(20):
        send(f"word-{number}")
    assert names() == before


def test_processes_count_together(start, runs):
    server = start(runs / "flowers", "--port", 0, "--workers", 2)

    def page():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return samples(text)

    for _ in range(20):
        assert server.ask("POST", "/predict", [{**ROW, "size": 900}])[0] == 200
    for _ in range(4):  # whichever process answers
        values = page()
        assert values["declnet_rows_total", "flowers"] == 20
        assert values["declnet_input_cells_total", "flowers", "outside", "size"] == 20
    assert server.end() == 0
