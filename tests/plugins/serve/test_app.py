"""The application: predictions, problems, limits and descriptions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re

import numpy as np
import pytest

from declnet import load_predictor, write_predictions

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}
OTHER = {"size": None, "age": 33.5, "color": "pink", "<i>fresh</i>": None}
COLUMNS = {name: [ROW[name], OTHER[name]] for name in ROW}
CSV = b"<i>fresh</i>,size,age,color,more\ntrue,0.25,20,red,1\n,,33.5,pink,2\n"


def written(predictions, form):
    file = io.BytesIO()
    write_predictions([predictions], file, form)
    return file.getvalue()


def test_all_formats_predict_the_same_as_a_program(client, runs):
    ask = client()
    result = load_predictor(runs / "flowers").predict([ROW, OTHER])
    expected = [json.loads(line) for line in written(result, "jsonl").splitlines()]
    assert ask("/predict", [ROW, OTHER]).json == {"predictions": expected}
    assert ask("/models/flowers/predict", COLUMNS).json == {"predictions": expected}
    read = ask("/predict", CSV, content_type="text/csv; charset=UTF-8")
    assert read.json == {"predictions": expected}
    table = ask("/predict", [ROW, OTHER], accept="text/csv, application/json;q=0.5")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.body == written(result, "csv")


def test_arrays_and_ensembles(client, runs):
    ask = client("pixels", "folds")
    x = np.random.default_rng(2).normal(size=(4, 2, 3))
    result = ask("/models/pixels/predict", x.tolist()).json["predictions"]
    expected = load_predictor(runs / "pixels").predict(x)
    assert [item["prediction"] for item in result] == expected.prediction.tolist()
    probabilities = [[item[f"probability_{k}"] for k in range(3)] for item in result]
    np.testing.assert_array_equal(np.float32(probabilities), expected.probabilities)

    both = load_predictor(runs / "folds").predict([ROW])
    (part,) = ask("/models/folds/predict", [ROW]).json["predictions"]
    (wide,) = ask("/models/folds/predict?spread=true", [ROW]).json["predictions"]
    assert set(wide) - set(part) == {"spread_aster", "spread_rose"}
    assert wide["spread_rose"] == pytest.approx(both.spread[0, 1])
    assert part["probability_rose"] == pytest.approx(both.probabilities[0, 1])
    schemas = ask("/openapi.json").json["components"]["schemas"]
    assert schemas["folds.prediction"]["required"] == list(part)
    assert [output["name"] for output in ask("/v2/models/folds").json["outputs"]] == list(part)
    assert ask("/predict", [ROW]).status == 404  # ambiguous


def test_forecasts_and_several_losses(client, runs):
    ask = client("sales", "houses")
    days = [("06-01", 1, False), ("06-02", 2, False), ("06-03", 3, True)]
    days += [("06-04", None, False), ("06-05", None, True)]
    rows = [
        {"shop": shop, "day": f"2024-{day}", "holiday": holiday, "sales": sold}
        for shop in "xy"
        for day, sold, holiday in days
    ]
    result = ask("/models/sales/predict", rows).json["predictions"]
    expected = written(load_predictor(runs / "sales").predict(rows), "jsonl").splitlines()
    assert result == [json.loads(line) for line in expected]
    assert [(item["shop"], item["day"]) for item in result] == [
        (shop, f"2024-06-0{day}") for shop in "xy" for day in (4, 5)
    ]
    table = ["shop,day,holiday,sales"]
    table += [
        f"{r['shop']},{r['day']},{str(r['holiday']).lower()},{r['sales'] or ''}" for r in rows
    ]
    csv = ask("/models/sales/predict", "\n".join(table).encode(), content_type="text/csv")
    assert csv.json["predictions"] == result
    unordered = ask("/models/sales/predict", [rows[1], rows[0], *rows[2:]])
    assert unordered.status == 422
    assert ask("/models/sales/predict", rows[:2]).status == 422
    assert ask("/models/sales/predict?on_error=empty", rows).status == 422
    assert ask("/models/sales/predict", [{**r, "day": [1]} for r in rows]).status == 422
    assert ask("/models/sales/predict", [{**r, "shop": None} for r in rows]).status == 422

    (house,) = ask("/models/houses/predict", [{"size": 1}]).json["predictions"]
    expected = written(load_predictor(runs / "houses").predict([{"size": 1}]), "jsonl")
    assert house == json.loads(expected)
    assert house["price_lower"] < house["price_prediction"] < house["price_upper"]
    outputs = {item["name"]: item["outputs"] for item in ask("/models").json["models"]}
    assert outputs["houses"].keys() == house.keys()
    assert outputs["sales"] == {}  # no example is available
    losses = {item["name"]: item["losses"] for item in ask("/models").json["models"]}
    assert (list(losses["houses"]), list(losses["sales"])) == (["price", "sold"], ["prediction"])


DEEP = b"[" * 100_000
MALFORMED = [
    (b"", 400, "not JSON", None, None),
    (b"[" + b'{"size": 1', 400, "line 1, column", None, None),
    (b'[{"size": 1, "size": 2}]', 400, 'duplicate key "size"', None, None),
    (b'[{"size": NaN}]', 400, "NaN", None, None),
    (b'[{"size": -Infinity}]', 400, "Infinity", None, None),
    (b'[{"size": ' + b"9" * 5000 + b"}]", 400, "not JSON", None, None),
    (b"\xff\xfe[]", 400, "byte 1", None, None),
    (b"\xef\xbb\xbf[]", 400, "byte order mark", None, None),
    (b'[{"color": "\\ud800"}]', 400, "surrogate", None, None),
    (DEEP, 400, "nested", None, None),
    (b'{"a":' * 100_000, 400, "nested", None, None),
    ([], 422, "no rows", None, None),
    ({}, 422, 'no column "size"', None, "size"),
    (3, 422, "a number", None, None),
    ("text", 422, "text", None, None),
    ([1], 422, "row 1 is a number", 1, None),
    ([ROW, [1]], 422, "row 2 is a list", 2, None),
    ([ROW, {**ROW, "size": "large"}], 422, '"large" is not a number', 2, "size"),
    ([{**ROW, "size": 10**400}], 422, "beyond 64-bit floats", 1, "size"),
    ([{**ROW, "color": {"a": 1}}], 422, "is {'a': 1}", 1, "color"),
    ([{**ROW, "<i>fresh</i>": 2}], 422, "booleans", 1, "<i>fresh</i>"),
    ([{**ROW, "<i>fresh</i>": "yes"}], 422, "not a boolean", 1, "<i>fresh</i>"),
    ([ROW, {"size": 1}], 422, 'row 2 has no column "age"', 2, "age"),
    ({**COLUMNS, "age": 3}, 422, "not a list", None, "age"),
    ({**COLUMNS, "age": [3]}, 422, "different numbers", None, None),
    (b'[{"size": 1e999, "age": 1, "color": "red", "<i>fresh</i>": true}]', 422, "inf", 1, "size"),
]


ODD = [
    ROW, {**ROW, "size": "large"}, OTHER, {**ROW, "color": [1]}, {**ROW, "age": 10**400},
    {**ROW, "size": 1e300}, {**ROW, "<i>fresh</i>": 2}, {**ROW, "size": " NA"},
]  # fmt: skip


@pytest.mark.parametrize("model", ["flowers", "folds"])
def test_rows_that_cannot_be_predicted_may_be_left_empty(client, runs, model):
    ask = client(model)
    assert ask("/predict", ODD).status == 422
    expected = load_predictor(runs / model).predict(ODD, on_error="empty")
    lines = [json.loads(line) for line in written(expected, "jsonl").splitlines()]
    if model == "folds":
        lines = [{k: v for k, v in line.items() if "spread" not in k} for line in lines]
    for body in (ODD, {name: [row[name] for row in ODD] for name in ROW}):
        assert ask("/predict?on_error=empty", body).json == {"predictions": lines}
    refused = [at for at, line in enumerate(lines) if line["error"] is not None]
    assert refused == [1, 3, 4, 5, 6]
    assert lines[1]["prediction"] is None
    assert lines[1]["error"] == 'row 2, column "size": "large" is not a number'
    header = ",".join(ROW)
    rows = ["0.25,20,red,true", "large,20,red,true", ",33.5,pink,", "0.25,20,red,2"]
    table = "\n".join([header, *rows, ""]).encode()
    result = ask("/predict?on_error=empty", table, content_type="text/csv")
    wrong = 'row 4, column "<i>fresh</i>" is 2, but the training data has booleans'
    errors = [line["error"] for line in result.json["predictions"]]
    assert errors == [None, lines[1]["error"], None, wrong]
    assert result.json["predictions"][2] == lines[2]
    as_csv = ask("/predict?on_error=empty", table, content_type="text/csv", accept="text/csv")
    first, _, wrong, *_ = as_csv.body.decode().splitlines()
    assert first.endswith(",error")
    assert wrong.startswith(",,")
    assert ask("/predict?on_error=empty", [ROW, 3]).status == 422  # no row has this size


def test_malformed_json_is_located(client):
    ask = client()
    for body, status, fragment, row, column in MALFORMED:
        result = ask("/predict", body)
        problem = result.json
        assert result.headers["content-type"] == "application/problem+json"
        assert result.headers["x-content-type-options"] == "nosniff"
        assert (result.status, problem["status"]) == (status, status), (body, problem)
        assert fragment in problem["detail"], problem
        assert (problem.get("row"), problem.get("column")) == (row, column), problem
        assert problem["request"] == result.headers["x-request-id"]
    assert ask("/predict", [ROW]).status == 200


CSV_FAULTS = [
    (b"", "the body is empty", None, None),
    (b"size,age\n1,2\n", "no column", None, "<i>fresh</i>"),
    (b"size,age,color,<i>fresh</i>\n1,2,red\n", "3", 1, None),
    (b"size,age,color,<i>fresh</i>\n1,2,red,true\nx,2,red,true\n", "not a number", 2, "size"),
    (b"size,age,color,<i>fresh</i>\n1,2,r\xffd,true\n", "utf-8", None, None),
    (b'size,age,color,<i>fresh</i>\n1,2,"red,true\n', "quot", None, None),
    (b"size,age,color,<i>fresh</i>\n\x00,2,red,true\n", "", None, None),
    (b"size,size,color,<i>fresh</i>\n1,2,red,true\n", "size", None, None),
]


def test_malformed_csv_is_located_and_names_no_file(client):
    ask = client()
    for body, fragment, row, column in CSV_FAULTS:
        result = ask("/predict", body, content_type="text/csv")
        problem = result.json
        assert result.status == 422, (body, problem)
        assert fragment in problem["detail"].lower(), problem
        assert "/" not in (problem["detail"] + problem.get("help", "")).replace("</i>", ""), problem
        assert (problem.get("row"), problem.get("column")) == (row, column), problem


def test_malformed_arrays(client):
    ask = client("pixels")
    for body in (
        {"x": 1},
        3,
        [],
        [[1, 2, 3]],
        [[[1, 2, 3], [4, 5]]],
        [[[1, 2, None], [4, 5, 6]]],
        [[[1, 2, True], [4, 5, 6]]],
        [[[1, 2, "3"], [4, 5, 6]]],
        [[[1, 2, 10**30], [4, 5, 6]]],
        [1, [2]],
        json.loads("[" * 60 + "]" * 60),
        b"[[[1e999, 2, 3], [4, 5, 6]]]",
    ):
        result = ask("/predict", body)
        assert result.status == 422, (body, result.body)
    assert ask("/predict", [[[1, 2, 3], [4, 5, 6]]]).status == 200


def test_headers_paths_and_methods(client):
    ask = client(hosts=("127.0.0.1",))
    host = {"host": "127.0.0.1:8000"}
    wrong = [
        (("/predict", [ROW]), {"content_type": "text/plain"}, 415),
        (("/predict", [ROW]), {"content_type": "application/json; charset=utf-16"}, 415),
        (("/predict", [ROW]), {"content_encoding": "gzip"}, 415),
        (("/predict", [ROW]), {"accept": "image/png"}, 406),
        (("/predict?shell=ls", [ROW]), {}, 400),
        (("/predict?spread=2", [ROW]), {}, 400),
        (("/predict?on_error=skip", [ROW]), {}, 400),
        (("/models/../../etc/passwd",), {}, 404),
        (("/models/%2e%2e/predict", [ROW]), {}, 404),
        (("/models/roses/predict", [ROW]), {}, 404),
        (("/predict",), {}, 405),
        (("/docs", [ROW]), {}, 405),
        (("/predict", [ROW]), {"host": "evil.example"}, 421),
    ]
    for arguments, headers, status in wrong:
        result = ask(*arguments, **{**host, **headers})
        assert result.status == status, (arguments, headers, result.body)
    assert ask("/predict", **host).headers["allow"] == "POST"
    named = ask("/predict", [ROW], x_request_id="abc-1", **host)
    assert (named.status, named.headers["x-request-id"]) == (200, "abc-1")
    assert ask("/health", x_request_id="a b\n", **host).headers["x-request-id"] != "a b\n"


def test_limits(client):
    ask = client(max_bytes=500, max_rows=2, client_timeout=0.1)
    large = ask("/predict", [ROW] * 20)
    assert (large.status, large.headers["connection"]) == (413, "close")
    assert ask("/predict", [ROW] * 3).status == 413
    assert ask("/predict", CSV + b"true,1,1,red,3\n", content_type="text/csv").status == 413
    declared = ask("/predict", b"[]", content_length="501")
    assert declared.status == 413
    json_type = {"content-type": "application/json"}
    exact = b" " * 498 + b"[]"  # too few rows, which is seen after its size
    for parts, status in (([exact], 422), ([exact, b" "], 413), ([b" ", exact], 413)):
        assert ask.run(ask.send("/predict", parts, "POST", json_type)).status == status
    slow = ask.run(ask.send("/predict", [b"[", b"]"], "POST", json_type, pause=0.08))
    assert slow.status == 408


def test_more_requests_than_the_queue_holds_are_refused_immediately(client):
    ask = client(threads=1, queue=1, timeout=0.5)
    body, json_type = json.dumps([ROW] * 100).encode(), {"content-type": "application/json"}

    async def crowd():
        release = asyncio.Event()
        loop = asyncio.get_running_loop()
        ask.app.threads.submit(asyncio.run_coroutine_threadsafe(release.wait(), loop).result)
        requests = [ask.send("/predict", [body], "POST", json_type) for _ in range(4)]
        work = [asyncio.create_task(request) for request in requests]
        done, _ = await asyncio.wait(work, timeout=0.2)
        refused = [item.result() for item in done]
        late = await asyncio.gather(*work)
        release.set()
        await asyncio.sleep(0.05)
        return refused, late, await ask.send("/predict", [body], "POST", json_type)

    refused, late, after = ask.run(crowd())
    assert [item.status for item in refused] == [503, 503]
    assert {item.headers["retry-after"] for item in refused} == {"1"}
    assert [item.status for item in late] == [503] * 4  # two of them after the timeout
    assert after.status == 200


def test_requests_like_a_quick_one_wait_for_no_thread(client):
    ask = client(threads=1, timeout=0.3)
    for _ in range(3):  # the first may take long
        assert ask("/predict", [ROW]).status == 200

    async def statuses():
        release, loop = asyncio.Event(), asyncio.get_running_loop()
        ask.app.threads.submit(asyncio.run_coroutine_threadsafe(release.wait(), loop).result)
        bodies = [json.dumps([ROW] * rows).encode() for rows in (1, 20)]
        json_type = {"content-type": "application/json"}
        answers = [await ask.send("/predict", [body], "POST", json_type) for body in bodies]
        release.set()
        return [answer.status for answer in answers]

    assert ask.run(statuses()) == [200, 503]  # the second has another size than before


def test_the_openapi_document_describes_the_columns(client):
    ask = client()
    document = ask("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    schemas = document["components"]["schemas"]
    row = schemas["flowers.row"]
    assert row["required"] == list(ROW)
    assert row["properties"]["size"]["type"] == ["number", "null"]
    assert row["properties"]["color"]["anyOf"][0]["enum"] == ["blue", "green", "red", None]
    operation = document["paths"]["/models/flowers/predict"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    (result,) = ask("/predict", example).json["predictions"]
    assert [*result, "error"] == list(schemas["flowers.prediction"]["properties"])
    (parameter,) = operation["parameters"]
    assert parameter["schema"]["enum"] == ["fail", "empty"]
    (result,) = ask("/predict?on_error=empty", example).json["predictions"]
    assert list(result) == list(schemas["flowers.prediction"]["properties"])
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in schemas


def test_the_page_shows_names_as_text_and_runs_only_its_own_script(client):
    ask = client("flowers", "pixels")
    page = ask("/docs")
    text = page.body.decode()
    assert "<i>" not in text
    assert "&lt;i&gt;fresh&lt;/i&gt;" in text
    script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert not re.search(r"https?://(?!127\.0\.0\.1)", text)


def test_health_and_models(client):
    ask = client("flowers", "pixels")
    health = ask("/health").json
    assert health["status"] == "ok"
    models = {item["name"]: item for item in ask("/models").json["models"]}
    assert models["flowers"]["version"] == health["models"]["flowers"]["version"]
    assert models["flowers"]["columns"][2] == {
        "name": "color",
        "type": "text",
        "known": ["blue", "green", "red"],
    }
    assert models["pixels"]["arrays"] == {"x": [2, 3]}
    assert [*models["pixels"]["losses"]] == ["prediction"]
    houses = client("houses")("/models").json["models"][0]
    assert "prediction" not in houses["losses"]
    assert len(houses["losses"]) > 1
    ask.app.stopping = True
    assert ask("/health/ready").status == 503
    assert ask("/health/live").status == 200
    assert ask("/models/flowers/predict", [ROW]).headers["retry-after"] == "1"


def test_logs_have_no_values(client, capsys):
    ask = client(log_requests=True)
    ask("/predict", [{**ROW, "color": "secret-color"}])
    ask("/predict", [{**ROW, "size": "secret-size"}])
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["status"], line.get("rows")) for line in lines] == [(200, 1), (422, None)]
    assert "secret" not in json.dumps(lines)
    assert all(line["ms"] >= 0 for line in lines)
