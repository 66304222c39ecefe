"""No name changes what a file means: two tables that differ in names alone give like files."""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from typing import Any

import pytest

from declnet import DataSource, literal_value, open_run
from declnet.data.sources.loading import load_source
from declnet.display.characters import escaped
from declnet.spec.streams import DataSet
from tests.hostile_names.conftest import NUMBERS
from tests.hostile_names.skeletons import HtmlSkeleton, c_skeleton, python_skeleton, xml_skeleton

GCC = shutil.which("gcc")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wtrigraphs", "-Wcomment", "-Wundef")


def _json(text: str) -> Any:
    """Parse JSON without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_toml_of_new(cases):
    documents = []
    for case in cases:
        text = (case.folder / "s.toml").read_text("utf-8")
        assert escaped(text) == text
        documents.append(case.renamed(tomllib.loads(text.replace("$${", "${"))))
    assert documents[0] == documents[1]
    assert documents[0]["data"]["train"]["features"] == cases[1].columns
    case = cases[0]
    case.declnet(
        "new", "s.json", "--data", case.table.name, "--target", case.target, "--preset", "mlp"
    )
    assert _json((case.folder / "s.json").read_text("utf-8")) == tomllib.loads(
        (case.folder / "s.toml").read_text("utf-8")
    )


def test_files_of_a_run(cases):
    found = []
    for case in cases:
        folder = case.folder / "r"
        spec = tomllib.loads((folder / "spec.toml").read_text("utf-8").replace("$${", "${"))
        assert spec["data"]["train"]["features"] == case.columns
        files = {path.name: _json(path.read_text("utf-8")) for path in folder.glob("*.json")}
        assert "preparation.json" in files
        lines = (folder / "history.jsonl").read_text("utf-8").splitlines()
        kept = {name: files[name] for name in ("preparation.json", "metrics.json", "analyses.json")}
        times = {"seconds", "time", "timestamp"}
        history = [{k: v for k, v in _json(line).items() if k not in times} for line in lines]
        found.append(case.renamed([kept, history]))
        assert open_run(folder).predictor().class_names == tuple(case.classes)
    assert found[0] == found[1]


def _exported(case: Any, name: str) -> str | None:
    """Export the run, which compares predictions; None if a NUL is refused."""
    if name.endswith(".c") and "\0" in case.table.read_text("utf-8").replace(r"\u0000", "\0"):
        done = case.declnet("export", "r", "-o", name, code=2)
        assert "C has no texts with a NUL character" in done.stderr
        return None
    done = case.declnet("export", "r", "-o", name)
    assert "compared with declnet" in done.stdout
    return "" if name.endswith(".onnx") else (case.folder / name).read_text("utf-8")


@pytest.mark.skipif(GCC is None, reason="gcc is not installed")
def test_c_and_its_header(cases):
    texts = [_exported(case, "m.c") for case in cases]
    if texts[0] is None:
        return
    headers = [(case.folder / "m.h").read_text("utf-8") for case in cases]
    for hostile, plain in (texts, headers):
        assert c_skeleton(hostile) == c_skeleton(plain)
    folder = cases[0].folder
    built = [GCC, *STRICT, "-DDECLNET_SELF_TEST", "m.c", "-o", "self_test", "-lm"]
    subprocess.run(built, cwd=folder, check=True)
    subprocess.run(["./self_test"], cwd=folder, check=True, capture_output=True)


def test_python_file(cases):
    texts = [_exported(case, "m.py") for case in cases]
    skeletons = [python_skeleton(text) for text in texts]
    assert skeletons[0] == skeletons[1]
    hostile = cases[0]
    assert all(each.isprintable() or each == "\n" for each in texts[0])
    if hostile.table.suffix == ".csv":
        run = [sys.executable, "m.py", "t.csv"]
        done = subprocess.run(run, cwd=hostile.folder, check=True, capture_output=True)
        printed = list(csv.reader(done.stdout.decode().splitlines(keepends=True)))
        assert {row[0] for row in printed[1:]} <= set(hostile.classes)


def test_onnx(cases):
    onnx = pytest.importorskip("onnx")
    graphs = []
    for case in cases:
        _exported(case, "m.onnx")
        model = onnx.load(case.folder / "m.onnx")
        onnx.checker.check_model(model, full_check=True)
        assert [each.name for each in model.graph.input] == case.columns
        outputs = [name for node in model.graph.node for name in node.output]
        assert len({*outputs, *case.columns}) == len(outputs) + len(case.columns)
        graphs.append([(node.op_type, len(node.input)) for node in model.graph.node])
    assert graphs[0] == graphs[1]


def test_report(cases):
    pytest.importorskip("jinja2")
    pages = []
    for case in cases:
        case.declnet("report", "r", "-o", "r.html")
        pages.append(HtmlSkeleton((case.folder / "r.html").read_text("utf-8")))
    hostile, plain = pages
    assert hostile.elements == plain.elements
    assert hostile.programs == plain.programs
    assert len(hostile.islands) == len(plain.islands)
    text = "".join(hostile.texts)
    assert escaped(text) == text


def test_predictions(cases):
    found = []
    for case in cases:
        for name in ("p.csv", "p.jsonl"):
            case.declnet("predict", "r", case.table.name, "-o", name, "--id", case.columns[0])
        with (case.folder / "p.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header[0] == case.columns[0]
        assert header[2:] == [f"probability_{name}" for name in case.classes]
        lines = [
            _json(line) for line in (case.folder / "p.jsonl").read_text("utf-8").split("\n")[:-1]
        ]
        assert [line["prediction"] for line in lines] == [row[1] for row in rows]
        found.append(case.renamed(rows))
    assert found[0] == found[1]


def test_views_of_notebooks(cases):
    views = []
    for case in cases:
        stored = open_run(case.folder / "r")
        shown = (stored, stored.spec, stored.predictor().evaluate(case.table), stored.compare())
        views.append([HtmlSkeleton(each._repr_html_()) for each in shown])
    for hostile, plain in zip(*views, strict=True):
        assert hostile.elements == plain.elements
        assert hostile.programs == plain.programs


def test_http(cases):
    pytest.importorskip("uvicorn")
    from declnet_serve.app import App
    from declnet_serve.models import load_models
    from declnet_serve.options import Options
    from tests.plugins.declnet_serve.conftest import Client

    replies = []
    for case in cases:
        options = Options((("m", case.folder / "r"),), log_requests=False)
        app = App(load_models(options.models, None, print), options)
        row = dict.fromkeys(case.columns[:NUMBERS], 0.5)
        row |= {name: min(case.plain) for name in case.columns[NUMBERS:]}  # unknown categories
        with asyncio.Runner() as runner:
            client = Client(app, runner)
            answers = [client(path) for path in ("/models", "/openapi.json", "/docs")]
            answers.append(client("/predict", [row]))
            answers.append(client("/predict", [row | {case.columns[0]: "?"}]))
        app.close()
        for answer in answers:
            for name, value in answer.headers.items():
                assert f"{name}{value}".isprintable()
                assert not any(text in value for text in case.columns if len(text) > 8)
        for answer in (*answers[:2], *answers[3:]):
            _json(answer.body.decode())
        assert answers[3].json["predictions"][0]["prediction"] in case.classes
        page = HtmlSkeleton(answers[2].body.decode())
        replies.append(
            (page.elements, page.programs, case.renamed(_without_versions(answers[1].json)))
        )
    assert replies[0] == replies[1]


def _without_versions(document: Any) -> Any:
    document["info"].pop("version", None)
    return document


def test_pictures_of_runs(cases):
    pytest.importorskip("matplotlib")
    for case in cases:
        case.declnet("plot", "r", "-o", "p.svg")
        case.declnet("plot", "r", "-o", "p.png")
        xml_skeleton((case.folder / "p.svg").read_text("utf-8"))


PRESETS = ("linear", "mlp", "realmlp_td", "realmlp_td_s", "table", "tabm_mini")


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_means_the_table(cases, preset):
    documents = []
    for case in cases:
        options = ("--data", case.table.name, "--target", case.target, "--preset", preset)
        case.declnet("new", "n.toml", *options, "--force", "--exclude", case.columns[-1])
        case.declnet("check", "n.toml")
        text = (case.folder / "n.toml").read_text("utf-8")
        documents.append(case.renamed(tomllib.loads(text.replace("$${", "${"))))
    assert documents[0] == documents[1]


def test_sql(cases, tmp_path):
    pytest.importorskip("sqlalchemy")
    case = cases[0]
    names = [name for name in (*case.columns[:9], case.target) if "\0" not in name]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        database.execute(f"CREATE TABLE t ({quoted})")
        rows = [[*map(float, range(len(names) - 1)), name] for name in case.classes * 9]
        database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", rows)
        database.commit()
    source = {"type": "sql", "url": f"sqlite:///{tmp_path}/t.db", "query": "SELECT * FROM t"}
    table = load_source(
        DataSource.from_declaration({**source, "target": names[-1]}), 0, DataSet.TRAIN
    )
    assert list(table.columns) == names
    assert set(table.columns[names[-1]]) == set(case.classes)


def test_a_sweep_and_its_pages(cases):
    summaries, pages = [], []
    for case in cases:
        document = tomllib.loads((case.folder / "s.toml").read_text("utf-8"))
        fill = {"type": "impute", "columns": [case.columns[NUMBERS]], "strategy": "constant"}
        document["data"]["prepare"][0] = literal_value(fill | {"value": case.classes[0]})
        document["training"]["epochs"] = 1
        document["sweep"] = {
            "model.layers.0.name": literal_value(case.layers),
            "data.prepare.0.value": literal_value([*case.classes, case.columns[0]]),
        }
        (case.folder / "w.json").write_text(json.dumps(document), "utf-8")
        case.declnet("sweep", "w.json", "--out", "w", "--jobs", 1, "--quiet")
        summaries.append(
            case.renamed(_json((case.folder / "w" / "summary.json").read_text("utf-8")))
        )
        case.declnet("plot", "w", "-o", "w.svg")
        xml_skeleton((case.folder / "w.svg").read_text("utf-8"))
        case.declnet("report", "w", "-o", "w.html")
        pages.append(HtmlSkeleton((case.folder / "w.html").read_text("utf-8")))
    assert summaries[0] == summaries[1]
    assert pages[0].elements == pages[1].elements
    assert pages[0].programs == pages[1].programs
