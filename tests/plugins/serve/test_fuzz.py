"""Malformed requests: no 500, and no growth of memory.

`.ci/long` sets DECLNET_TEST_REQUESTS to 10,000.
"""

from __future__ import annotations

import gc
import json
import os
import random
import tracemalloc

REQUESTS = int(os.environ.get("DECLNET_TEST_REQUESTS", "300"))
ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}
DAYS = [
    {"shop": "x", "day": f"2024-06-0{day}", "holiday": False, "sales": day} for day in range(1, 6)
]
ARRAY = [[[1, 2, 3], [4, 5, 6.5]]]
VALUES = [
    None, True, False, 0, -1, 1e308, -0.0, 2**63, 2**64, 10**400, "", "red", "\x00", "é", "1e5",
    "NaN", "\U0001f600", "a" * 5000, [], {}, [[]], [None], {"a": {"b": []}}, ["red"], [1, "x"],
]  # fmt: skip
TOKENS = [
    b"NaN", b"Infinity", b"1e999", b"-", b"01", b'"\\ud800"', b"\xff", b"\x00", b"\xef\xbb\xbf",
    b"[" * 3000, b'{"size":' * 3000, b"9" * 5000, b'"', b",", b"\\", b"}", b"\r\n", b"=1+1",
]  # fmt: skip
TYPES = [
    "application/json", "application/json", "application/json", "text/csv", "text/csv",
    "text/csv; charset=latin-1", "application/json; charset", "text/plain", "", ";;;", "é",
]  # fmt: skip


def changed(value, rng):
    """Return a JSON value with something in it replaced, left out, doubled or nested."""
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        remaining = list(value)
        remaining[at] = changed(value[at], rng)
        return rng.choice([remaining, remaining, remaining[:-1], remaining * 2, [remaining]])
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        remaining = {**value, name: changed(value[name], rng)}
        if rng.random() < 0.1:
            del remaining[name]
        return remaining
    return rng.choice(VALUES)


def mutated(body, rng):
    """Return bytes with a token put in, a part cut out, or a byte replaced."""
    at = rng.randrange(len(body) + 1)
    how = rng.random()
    if how < 0.5:
        return body[:at] + rng.choice(TOKENS) + body[at:]
    if how < 0.75:
        return body[:at] + body[at + rng.randrange(1, 20) :]
    return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]


def wrapped(value):
    """Return samples as MLflow and the Open Inference Protocol have them."""
    yield {"dataframe_records": value}
    yield {"inputs": value, "params": {"on_error": "empty"}}
    if isinstance(value, list) and isinstance(value[0], dict):
        yield {"dataframe_split": {"columns": list(value[0]), "data": [[*value[0].values()]]}}
        tensors = [
            {"name": name, "shape": [1], "datatype": kind, "data": [value[0][name]]}
            for name, kind in zip(value[0], ["FP64", "INT64", "BYTES", "BOOL"], strict=False)
        ]
        yield {"id": "1", "inputs": tensors, "outputs": [{"name": "prediction"}]}
    else:
        array = {"name": "x", "shape": [1, 2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6.5]}
        yield {"inputs": [array]}


def request_of(rng):
    """Return the path, body and headers of a random request."""
    name = rng.choice(["flowers", "flowers", "pixels", "houses", "sales", "roses"])
    kind = rng.choice(TYPES)
    columns = {name: [value, value] for name, value in ROW.items()}
    values = {"pixels": ARRAY, "houses": [{"size": 1}], "sales": DAYS}
    value = values.get(name) or rng.choice([[ROW], [ROW, ROW], columns])
    if kind.startswith("text/csv"):
        lines = [",".join(ROW), "0.25,20,red,true", "1,,blue,false"]
        body = "\n".join(lines).encode()
    else:
        value = rng.choice([value, value, *wrapped(value)])
        body = json.dumps(changed(value, rng)).encode()
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        body = mutated(body, rng)
    headers = {"content_type": kind}
    if rng.random() < 0.2:
        headers["accept"] = rng.choice(["*/*", "text/csv;q=x", "text/*", ",,", "application/*"])
    if rng.random() < 0.05:
        headers["content_length"] = rng.choice(["-1", "9" * 30, "x", ""])
    query = rng.choice(["", "", "", "?", "?spread=true", "?spread", "?%ff=%00", "?a=1&a=2"])
    kind = rng.choice(["predict", "predict", "invocations", "infer"])
    path = f"/v2/models/{name}/infer" if kind == "infer" else f"/models/{name}/{kind}"
    return f"{path}{query}", body, headers


def test_malformed_requests_never_fail_the_server(client):
    ask = client("flowers", "pixels", "houses", "sales")
    rng = random.Random(0)
    seen = set()

    def send(count):
        for _ in range(count):
            path, body, headers = request_of(rng)
            result = ask(path, body, **headers)
            assert result.status < 500, (path, body, headers, result.body)
            if result.status != 200:
                assert result.json["status"] == result.status
            seen.add(result.status)

    send(REQUESTS // 2)
    gc.collect()
    tracemalloc.start()
    try:
        send(REQUESTS // 10)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        send(REQUESTS - REQUESTS // 2 - REQUESTS // 10)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen >= {200, 400, 404, 415, 422}
    assert after - before < 500_000, f"{after - before} bytes more"
    assert ask("/models/flowers/predict", [ROW]).status == 200
