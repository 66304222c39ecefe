"""The Open Inference Protocol, version 2."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest

ROW = {"size": 0.25, "age": 20, "color": "red", "<i>fresh</i>": True}
OTHER = {"size": -1.5, "age": 33, "color": "pink", "<i>fresh</i>": False}
TYPES = {"size": "FP64", "age": "INT64", "color": "BYTES", "<i>fresh</i>": "BOOL"}
INFER = "/v2/models/flowers/infer"


def tensors(*rows):
    return [
        {"name": name, "shape": [len(rows)], "datatype": kind, "data": [row[name] for row in rows]}
        for name, kind in TYPES.items()
    ]


def changed(name, **members):
    return [x | members if x["name"] == name else x for x in tensors(ROW, OTHER)]


def test_tensors_and_rows_get_the_same_predictions(client):
    ask = client()
    expected = ask("/predict", [ROW, OTHER]).json["predictions"]
    version = ask("/health").json["models"]["flowers"]["version"]
    result = ask(INFER, {"id": "42", "inputs": tensors(ROW, OTHER)}).json
    assert list(result) == ["model_name", "model_version", "id", "outputs"]
    about = result["model_name"], result["model_version"], result["id"]
    assert about == ("flowers", version, "42")
    outputs = {tensor["name"]: tensor for tensor in result["outputs"]}
    for name, tensor in outputs.items():
        assert tensor["shape"] == [2]
        assert tensor["datatype"] == ("BYTES" if name == "prediction" else "FP32")
        assert tensor["data"] == [row[name] for row in expected]
    assert list(outputs) == list(expected[0])
    body = {"inputs": tensors(ROW, OTHER), "outputs": [{"name": "prediction"}]}
    chosen = ask(f"/v2/models/flowers/versions/{version}/infer", body).json
    assert chosen["outputs"] == [outputs["prediction"]]
    assert "id" not in chosen
    parameters = {"binary_data_output": True, "on_error": "empty"}  # the first is Triton's
    refused = changed("size", data=["x", "0.25"], datatype="BYTES")
    result = ask(INFER, {"inputs": refused, "parameters": parameters}).json
    outputs = {tensor["name"]: tensor["data"] for tensor in result["outputs"]}
    assert outputs["prediction"] == [None, *outputs["prediction"][1:]]
    assert "not a number" in outputs["error"][0]


def test_shapes_nesting_and_missing_values(client):
    ask = client()
    expected = ask(INFER, {"inputs": tensors(ROW, OTHER)}).body
    nested = [
        tensor | {"shape": [2, 1], "data": [[cell] for cell in tensor["data"]]}
        for tensor in tensors(ROW, OTHER)
    ]
    assert ask(INFER, {"inputs": nested}).body == expected
    flat = [tensor | {"shape": [2, 1]} for tensor in tensors(ROW, OTHER)]
    assert ask(INFER, {"inputs": flat}).body == expected
    gaps = ask(INFER, {"inputs": changed("size", data=[None, -1.5])}).json["outputs"][0]["data"]
    predictions = ask("/predict", [{**ROW, "size": None}, OTHER]).json["predictions"]
    assert gaps == [row["prediction"] for row in predictions]

    ask = client("pixels")
    x = np.random.default_rng(2).normal(size=(4, 2, 3)).round(3)
    expected = [row["prediction"] for row in ask("/predict", x.tolist()).json["predictions"]]
    for data in (x.tolist(), x.ravel().tolist()):
        body = {"inputs": [{"name": "x", "shape": [4, 2, 3], "datatype": "FP32", "data": data}]}
        (first, *_) = ask("/v2/models/pixels/infer", body).json["outputs"]
        assert (first["datatype"], first["data"]) == ("INT64", expected)
    whole = {"name": "x", "shape": [1, 2, 3], "datatype": "UINT8", "data": [1, 2, 3, 4, 5, 255]}
    assert ask("/v2/models/pixels/infer", {"inputs": [whole]}).status == 200


FAULTS = [
    ([], "not an object"), ({}, "no inputs"), ({"inputs": {}}, "not a list of objects"),
    ({"inputs": [3]}, "not a list of objects"), ({"inputs": [{"shape": [1]}]}, "no name"),
    ({"inputs": tensors(ROW) * 2}, "twice"), ({"inputs": tensors(ROW)[1:]}, 'no column "size"'),
    ({"inputs": tensors(ROW), "id": 3}, "id is a number"),
    ({"inputs": tensors(ROW), "parameters": []}, "parameters"),
    ({"inputs": tensors(ROW), "parameters": {"on_error": "skip"}}, "unknown"),
    ({"inputs": tensors(ROW), "outputs": [{"name": "logits"}]}, 'no output "logits"'),
    ({"inputs": tensors(ROW), "outputs": [{"name": "prediction"}] * 2}, "output"),
    ({"inputs": changed("size", shape=None)}, "no shape"),
    ({"inputs": changed("size", shape=[])}, "no shape"),
    ({"inputs": changed("size", shape=[-1])}, "no shape"),
    ({"inputs": changed("size", shape=[2.0])}, "no shape"),
    ({"inputs": changed("size", shape=[True, 2])}, "no shape"),
    ({"inputs": changed("size", shape=[2**31])}, "no shape"),
    ({"inputs": changed("size", shape=[2] + [1] * 32)}, "no shape"),
    ({"inputs": changed("size", shape=[2**30] * 32)}, "but 2 elements"),
    ({"inputs": changed("size", shape=[3])}, "but 2 elements"),
    ({"inputs": changed("size", shape=[1, 2])}, "is a column"),
    ({"inputs": changed("size", shape=[2, 1], data=[[1, 2]])}, "does not have the shape"),
    ({"inputs": changed("size", shape=[2, 1], data=[[1], 2])}, "does not have the shape"),
    ({"inputs": changed("size", shape=[2, 1], data=[[1]])}, "1 rows of data"),
    ({"inputs": changed("size", datatype="FP8")}, "the datatype"),
    ({"inputs": changed("size", data="1,2")}, "not a list"),
    ({"inputs": changed("size", data=[True, 1])}, "is a boolean"),
    ({"inputs": changed("size", data=["1", 1])}, "is text"),
    ({"inputs": changed("age", data=[1.5, 1])}, "is a number"),
    ({"inputs": changed("age", datatype="INT8", data=[128, 1])}, "has 128"),
    ({"inputs": changed("age", datatype="UINT8", data=[-1, 1])}, "has -1"),
    ({"inputs": changed("<i>fresh</i>", data=[1, 0])}, "is a number"),
    ({"inputs": changed("color", data=["red", 1])}, "is a number"),
    ({"inputs": [{"name": "size", "shape": [1], "datatype": "FP32"}]}, "no data"),
    ({"inputs": changed("size", data=["large", "1"], datatype="BYTES")}, "not a number"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "fragment"), FAULTS)
def test_errors_are_error_objects(client, body, fragment):
    result = client()(INFER, body)
    assert result.status in (400, 422)
    assert fragment in result.json["error"]
    assert result.headers["content-type"] == "application/json"


def test_arrays_are_refused_by_name_and_type(client):
    ask = client("pixels")
    sample = {"name": "x", "shape": [1, 2, 3], "datatype": "FP32", "data": [1.0] * 6}
    for change in (
        {"name": "y"}, {"datatype": "BYTES", "data": ["a"] * 6}, {"data": [None] * 6},
        {"shape": [1, 6]}, {"datatype": "UINT64", "data": [2**63] * 6},
        {"shape": [0, 2, 3], "data": []}, {"shape": [1, 0, *[2**30] * 9], "data": []},
        {"shape": [0, 2**70], "data": []}, {"shape": [1] * 70 + [6]},
    ):  # fmt: skip
        result = ask("/v2/models/pixels/infer", {"inputs": [sample | change]})
        assert (result.status in (400, 422), "error" in result.json) == (True, True), change
    assert ask("/v2/models/pixels/infer", {"inputs": [sample]}).status == 200


def test_health_metadata_and_media_types(client):
    ask = client("flowers", "pixels")
    assert ask("/v2/health/live").json == {"live": True}
    assert ask("/v2/health/ready").json["ready"] is True
    assert ask("/v2/models/flowers/ready").json == {"name": "flowers", "ready": True}
    assert ask("/v2").json["name"] == "declnet"
    about = ask("/v2/models/flowers").json
    assert {tensor["name"]: tensor["datatype"] for tensor in about["inputs"]} == TYPES
    assert about["inputs"][0]["shape"] == [-1]
    assert ask("/v2/models/pixels").json["inputs"] == [
        {"name": "x", "datatype": "FP32", "shape": [-1, 2, 3]}
    ]
    assert ask(f"/v2/models/flowers/versions/{about['versions'][0]}/ready").status == 200
    for place in ("/v2/models/none/ready", "/v2/models/flowers/versions/1/ready", "/v2/nothing"):
        missing = ask(place)
        assert (missing.status, "error" in missing.json) == (404, True)
    assert ask(INFER).status == 405
    body = {"inputs": tensors(ROW)}
    assert ask(INFER, b"a\n1", content_type="text/csv").status == 415
    assert ask(INFER, body, accept="text/csv").status == 406
    assert ask(INFER, body, content_type="text/plain").status == 415
    binary = ask(INFER, body, inference_header_content_length="9")
    assert (binary.status, "binary_data=False" in binary.json["error"]) == (415, True)
    assert ask.run(ask.send(INFER, [json.dumps(body).encode()], "POST", {})).status == 200
    ask.app.stopping = True
    assert ask("/v2/health/ready").status == 503
    assert ask("/v2/models/flowers/ready").json["ready"] is False


def test_the_version_of_the_path_answers_although_the_model_is_replaced_meanwhile(client):
    ask = client("flowers", "flowers_again")
    served, other = ask.app.models.values()
    version = served.model.version
    body = json.dumps({"inputs": tensors(ROW)}).encode()
    path = f"/v2/models/flowers/versions/{version}/infer"

    async def replaced():
        sent = asyncio.create_task(ask.send(path, [body[:9], body[9:]], "POST", {}, pause=0.05))
        await asyncio.sleep(0.01)
        served.model = other.model
        return await sent

    assert ask.run(replaced()).json["model_version"] == version
    assert ask(path, {"inputs": tensors(ROW)}).status == 404
