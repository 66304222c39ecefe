"""Trained models in MLflow: loaded and served there, they predict what `declnet predict` does."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import load_predictor, parse_spec, run

NEEDED = ("mlflow", "pandas", "sqlalchemy", "alembic")
MISSING = [name for name in NEEDED if not importlib.util.find_spec(name)]
pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.filterwarnings("ignore"),  # MLflow's and SQLAlchemy's own
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

COLUMNS = ("age", "rooms", "income", "city", "member", "day")


def write_table(path: Path) -> Path:
    """Write a table with a column of each type; the rooms, 0 to 4, have gaps."""
    rng = np.random.default_rng(5)
    lines = [",".join((*COLUMNS, "kind"))]
    for _ in range(60):
        age, rooms, member = rng.integers(18, 80), rng.integers(5), rng.random() < 0.5
        day = f"{rng.integers(1, 29):02d}/{rng.integers(1, 13):02d}/2025"
        cells = [age, rooms if rng.random() < 0.9 else "", round(rng.uniform(1e3, 9e3), 2)]
        cells += [rng.choice(["Bern", "Basel"]), str(member).lower(), day]
        lines.append(",".join(map(str, [*cells, "yes" if age > 40 else "no"])))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(database, tmp_path_factory):
    """Return a function that trains and logs a spec, and returns folder, client and runs."""
    folder = tmp_path_factory.mktemp("runs")

    def train(name, document, data=None):
        from mlflow.tracking import MlflowClient

        callback = {"type": "mlflow", "tracking_uri": database, "experiment": name}
        document["training"] = {"epochs": 3, "callbacks": [callback]}
        out = folder / name
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(folder)  # where MLflow has its artifacts
            run(parse_spec({"declnet": 1, "name": name, "seed": 3, **document}), out=out, data=data)
        client = MlflowClient(database)
        experiment = client.get_experiment_by_name(name).experiment_id
        runs = client.search_runs([experiment], order_by=["attributes.start_time"])
        return out, client, runs

    return train


@pytest.fixture(scope="module")
def tabular(tmp_path_factory, trained):
    table = write_table(tmp_path_factory.mktemp("data") / "rows.csv")
    document = {
        "data": {
            "train": {"type": "csv", "path": str(table), "target": "kind"},
            "prepare": [
                {"type": "datetime", "columns": ["day"], "parts": ["month", "day"]},
                {"type": "one_hot", "columns": ["city"]},
                {"type": "impute", "columns": ["age", "rooms", "member"]},
                {"type": "standardize", "columns": ["age", "rooms", "income"]},
            ],
        },
        "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
    }
    out, client, (tracked,) = trained("tabular", document)
    return table, out, client, tracked


def loaded(client, tracked):
    """Load the model of an MLflow run by its URI, as a program does."""
    import mlflow

    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        return mlflow.pyfunc.load_model(f"runs:/{tracked.info.run_id}/model")
    finally:
        mlflow.set_tracking_uri(None)


def columns_of(frame):
    return {name: frame[name].tolist() for name in frame.columns}


def predicted(folder, data):
    """Return the columns of `declnet predict`."""
    parts = list(load_predictor(folder).predict_parts(data))
    return {name: column.tolist() for name, column in parts[0].columns().items()}


def test_a_data_frame_is_predicted_as_the_file_is(tabular):
    import pandas as pd

    table, out, client, tracked = tabular
    model = loaded(client, tracked)
    assert columns_of(model.predict(pd.read_csv(table))) == predicted(out, table)


@pytest.mark.parametrize("column", ["age", "rooms", "member"])
def test_integers_booleans_and_numbers_may_be_missing_or_whole(tabular, tmp_path, column):
    import pandas as pd

    table, out, client, tracked = tabular
    lines = [line.split(",")[:-1] for line in table.read_text("utf-8").splitlines()[:4]]
    at, other = COLUMNS.index(column), COLUMNS.index("income")
    lines[2][at] = ""
    for line, income in zip(lines[1:], ("1000", "2000", "3000"), strict=True):
        line[other] = income  # whole numbers, which pandas reads as integers
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join(map(",".join, lines)), "utf-8")
    frame = pd.read_csv(rows)
    assert frame["income"].dtype.kind == "i"
    assert columns_of(loaded(client, tracked).predict(frame)) == predicted(out, rows)


def test_the_example_is_synthetic_and_the_signature_has_the_columns(tabular):
    table, out, client, tracked = tabular
    model = loaded(client, tracked).metadata
    types = {column["name"]: column["type"] for column in model.signature.inputs.to_dict()}
    assert types == {**dict.fromkeys(COLUMNS, "any"), "city": "string"}
    outputs = {column["name"]: column["type"] for column in model.signature.outputs.to_dict()}
    assert outputs == {
        "prediction": "string",
        "probability_no": "float",
        "probability_yes": "float",
    }
    assert model.flavors["declnet"]["columns"]["age"] == "integer"
    folder = Path(
        client.get_logged_model(tracked.outputs.model_outputs[0].model_id).artifact_location
    )
    example = json.loads((folder / "input_example.json").read_text("utf-8"))
    assert example["columns"] == list(COLUMNS)
    rows = [tuple(map(str, row)) for row in example["data"]]
    known = [tuple(line.split(",")[:-1]) for line in table.read_text("utf-8").splitlines()]
    assert len(rows) == 5
    assert not {row[2] for row in rows} & {row[2] for row in known}  # no income is copied
    requirements = (folder / "requirements.txt").read_text("utf-8").splitlines()
    assert f"declnet=={declnet.__version__}" in requirements
    assert not [*folder.rglob("*.pkl")]
    data = folder / "data" / "run"
    assert {file.name for file in data.iterdir()} == {
        file.name for file in out.iterdir() if file.name not in ("mlflow.json", "README.md")
    }


def test_arrays_have_signatures_of_tensors(trained, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3, 4)), rng.integers(2, size=40)
    document = {
        "model": {"layers": ["flatten", {"type": "dense", "units": 2}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "sgd",
    }
    out, client, (tracked,) = trained("arrays", document, {"train": (x, y)})
    model = loaded(client, tracked)
    assert model.metadata.signature.inputs.to_dict() == [
        {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": (-1, 3, 4)}}
    ]
    expected = load_predictor(out).predict(x).columns()
    assert columns_of(model.predict(x)) == {n: column.tolist() for n, column in expected.items()}
    np.save(tmp_path / "wrong.npy", x)
    with pytest.raises(Exception, match="shape"):
        model.predict(x[:, :2])


def test_a_model_with_classes_of_a_program_is_not_logged(database, tmp_path):
    from mlflow.tracking import MlflowClient

    class Doubled(declnet.Elementwise):
        """y = 2x."""

        type = "doubled"

        def value(self, x, y, scratch):
            np.multiply(x, 2, out=y)

        def derivative(self, x, y, slope):
            slope.fill(2)

    registry = declnet.discover()
    registry.register(Doubled)
    document = {
        "declnet": 1,
        "model": {"layers": ["doubled", {"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "training": {
            "epochs": 1,
            "callbacks": [{"type": "mlflow", "tracking_uri": database, "experiment": "local"}],
        },
    }
    x = np.arange(12.0).reshape(6, 2)
    result = run(parse_spec(document, registry), (x, x[:, :1]), tmp_path / "run", registry=registry)
    (warning,) = result.warnings
    assert warning.startswith("the model is not logged in MLflow: ")
    client = MlflowClient(database)
    (tracked,) = client.search_runs([client.get_experiment_by_name("local").experiment_id])
    assert (tracked.info.status, tracked.outputs.model_outputs) == ("FINISHED", [])


def test_folds_are_one_model_of_the_parent(tabular, trained):
    import pandas as pd

    table, _, _, _ = tabular
    document = {
        "data": {
            "train": {
                "type": "csv",
                "path": str(table),
                "target": "kind",
                "features": ["age", "income"],
            },
            "folds": 2,
            "prepare": ["standardize"],
        },
        "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
    }
    out, client, (parent, *children) = trained("folds", document)
    model = loaded(client, parent)
    assert len(model.get_raw_model().members) == 2
    assert columns_of(model.predict(pd.read_csv(table))) == predicted(out, table)
    types = [column["type"] for column in model.metadata.signature.inputs.to_dict()]
    assert types == ["long", "any"]  # a missing age would be an error
    for child in children:
        assert len(loaded(client, child).get_raw_model().members) == 1


def test_forecasts_follow_the_rows(trained, tmp_path):
    import pandas as pd

    days = np.arange("2025-01-01", "2025-03-01", dtype="datetime64[D]").astype(str)
    table = tmp_path / "series.csv"
    rows = [f"{day},{np.sin(at / 3):.4f}" for at, day in enumerate(days)]
    table.write_text("\n".join(["day,value", *rows]) + "\n", "utf-8")
    document = {
        "data": {
            "train": {"type": "csv", "path": str(table), "target": "value"},
            "windows": {"past": 7, "horizon": 2},
            "split": {"method": "time", "column": "day"},
            "validation": 0.2,
        },
        "model": {"layers": ["flatten", {"type": "dense", "units": 2}]},
        "loss": "mean_squared_error",
        "optimizer": "adam",
    }
    out, client, (tracked,) = trained("forecast", document)
    model = loaded(client, tracked)
    names = [column["name"] for column in model.metadata.signature.inputs.to_dict()]
    assert names == ["value", "day"]
    assert model.input_example is not None
    assert columns_of(model.predict(pd.read_csv(table))) == predicted(out, table)


@contextmanager
def served(client, tracked, folder: Path):
    """Serve a model with `mlflow models serve`; yields its address."""
    program = folder / "uvicorn"  # MLflow starts it; its folder need not be on PATH
    program.write_text(f"#!{sys.executable}\nfrom uvicorn.main import main\nmain()\n", "utf-8")
    program.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ("models", "serve", "-m", f"runs:/{tracked.info.run_id}/model")
    environment = {
        **os.environ,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "MLFLOW_TRACKING_URI": client.tracking_uri,
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command, "--env-manager", "local", "-p", str(port)],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 180
        while not answers(f"{address}/ping"):
            assert server.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, 15)
        server.wait(10)


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address):
        return True
    return False


def answer(address: str, body: object) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.skipif(os.name == "nt", reason="starts the server by a script")
def test_the_server_of_mlflow_answers_as_declnet_predicts(tabular, tmp_path):
    table, out, client, tracked = tabular
    rows = [line.split(",")[:-1] for line in table.read_text("utf-8").splitlines()[1:]]
    records = [
        {
            "age": int(age),
            "rooms": int(rooms) if rooms else None,
            "income": float(income),
            "city": city,
            "member": member == "true",
            "day": day,
        }
        for age, rooms, income, city, member, day in rows
    ]
    expected = predicted(out, table)
    with served(client, tracked, tmp_path) as address:
        status, reply = answer(address, {"dataframe_records": records})
        assert status == 200
        columns = {name: [row[name] for row in reply["predictions"]] for name in expected}
        assert columns == expected
        split = {"columns": list(COLUMNS), "data": [[*records[0].values()]]}
        assert (
            answer(address, {"dataframe_split": split})[1]["predictions"]
            == reply["predictions"][:1]
        )
        status, reply = answer(address, {"dataframe_records": [{**records[0], "age": "old"}]})
        assert status == 400
        assert 'column "age"' in reply["message"]
        status, reply = answer(address, {"dataframe_records": [{"age": 4}]})
        assert status == 400
        assert "rooms" in reply["message"]
