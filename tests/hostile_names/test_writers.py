"""Files written for tables that differ only in names, which differ only in names too."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from declnet import (
    DataError,
    DataSource,
    extended_document,
    literal_value,
    open_run,
    substituted,
)
from declnet.data.sources.loading import load_source
from declnet.display.characters import escaped
from declnet.spec.streams import DataSet
from tests.hostile_names.conftest import NUMBERS, Case
from tests.hostile_names.skeletons import HtmlSkeleton, c_skeleton, python_skeleton, xml_skeleton

GCC = shutil.which("gcc")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wtrigraphs", "-Wcomment", "-Wundef")

PRESETS = ("linear", "portfolio", "realmlp_td", "realmlp_td_s", "table", "tabm_mini")


def _json(text: str) -> Any:
    """Parse JSON without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _spec(path: Path) -> Any:
    """Return everything that follows from a spec, with unescaped texts."""
    text = path.read_text("utf-8")
    read = _json if path.suffix == ".json" else tomllib.loads
    return substituted(extended_document(read(text))).document


def _new(case: Case, name: str, preset: str) -> Any:
    options = ("--data", case.table.name, "--target", case.target, "--preset", preset)
    case.declnet("new", name, *options)
    text = (case.folder / name).read_text("utf-8")
    assert escaped(text) == text
    return _spec(case.folder / name)


def specs(case: Case) -> Any:
    """Return each preset's spec, in TOML and JSON, which predicts the target from the columns."""
    written = [_new(case, f"{preset}.toml", preset) for preset in PRESETS]
    assert _new(case, "linear.json", "linear") == written[0]
    for document in written:
        assert document["data"]["train"]["path"] == case.table.name
        assert document["data"]["train"]["target"] == case.target
        assert document["data"]["train"].get("features", case.features) == case.features
    for name in ("realmlp_td.toml", "tabm_mini.toml"):
        case.declnet("check", name)
    return written


def files_of_a_run(case: Case) -> Any:
    """The spec and all JSON of a run."""
    folder = case.folder / "r"
    spec = _spec(folder / "spec.toml")
    assert spec["data"]["train"].get("features", case.features) == case.features
    assert [spec["model"]["layers"][at]["name"] for at in (0, 3)] == case.names.layers[:2]
    files = {path.name: _json(path.read_text("utf-8")) for path in folder.glob("*.json")}
    lines = (folder / "history.jsonl").read_text("utf-8").splitlines()
    names = ("preparation.json", "metrics.json", "analyses.json")
    times = {"seconds", "time", "timestamp"}
    history = [{k: v for k, v in _json(line).items() if k not in times} for line in lines]
    assert open_run(folder).predictor().class_names == tuple(case.names.classes)
    return [[files[name] for name in names], history]


def model_card(case: Case) -> Any:
    """The metadata and the parts of the text of a run's model card."""
    yaml, markdown = pytest.importorskip("yaml"), pytest.importorskip("markdown_it")
    _, metadata, text = (case.folder / "r" / "README.md").read_text("utf-8").split("---\n", 2)
    assert escaped(metadata + text) == metadata + text
    parts = []
    for token in markdown.MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        inner = [child.type for child in token.children or () if "text" not in child.type]
        parts.append((token.type, inner))
    shown = yaml.safe_load(metadata)
    for result in shown["model-index"][0]["results"]:
        del result["metrics"], result["dataset"]["revision"]
    return shown, parts


def _export(case: Case, name: str) -> None:
    """Export the run, which compares the predictions of the file."""
    assert "compared with declnet" in case.declnet("export", "r", "-o", name).stdout


def c_files(case: Case) -> Any:
    """C and its header, built with warnings as errors; a NUL is refused."""
    if GCC is None:
        pytest.skip("gcc is not installed")
    if any("\0" in name for name in case.names.renaming()):
        refused = case.declnet("export", "r", "-o", "m.c", code=2)
        assert "C has no texts with a NUL character" in refused.stderr
        return None
    _export(case, "m.c")
    built = [GCC, *STRICT, "-DDECLNET_SELF_TEST", "m.c", "-o", "self_test", "-lm"]
    subprocess.run(built, cwd=case.folder, check=True)
    subprocess.run(["./self_test"], cwd=case.folder, check=True, capture_output=True)
    return [c_skeleton((case.folder / name).read_text("ascii")) for name in ("m.c", "m.h")]


def python_file(case: Case) -> Any:
    """A Python file, which also prints predictions of a CSV file."""
    _export(case, "m.py")
    text = (case.folder / "m.py").read_text("utf-8")
    assert all(character.isprintable() or character == "\n" for character in text)
    if case.table.suffix == ".csv":
        command = [sys.executable, "m.py", case.table.name]
        done = subprocess.run(command, cwd=case.folder, check=True, capture_output=True)
        _, *rows = csv.reader(io.StringIO(done.stdout.decode(), newline=""))
        assert {row[0] for row in rows} <= set(case.names.classes)
    return python_skeleton(text)


def onnx_file(case: Case) -> Any:
    """An ONNX file, whose inputs are the columns."""
    onnx = pytest.importorskip("onnx")
    _export(case, "m.onnx")
    model = onnx.load(case.folder / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [value.name for value in model.graph.input] == case.features
    values = [*case.features, *(name for node in model.graph.node for name in node.output)]
    assert len(values) == len(set(values))
    return [(node.op_type, len(node.input), len(node.output)) for node in model.graph.node]


def _page(path: Path) -> Any:
    page = HtmlSkeleton(path.read_text("utf-8"))
    text = "".join(page.texts)
    assert escaped(text) == text
    return page.elements, page.programs, len(page.islands)


def report(case: Case) -> Any:
    """The HTML report of a run, and its picture."""
    pytest.importorskip("jinja2")
    pytest.importorskip("vl_convert")
    case.declnet("report", "r", "-o", "r.html")
    case.declnet("plot", "r", "-o", "r.svg")
    case.declnet("plot", "r", "-o", "r.png")
    return _page(case.folder / "r.html"), xml_skeleton(case.folder / "r.svg")


def views_of_notebooks(case: Case) -> Any:
    """The views of a run, its spec, an evaluation, a comparison, predictions and an analysis."""
    stored = open_run(case.folder / "r")
    shown: list[Any] = [stored, stored.spec, stored.compare()]
    shown.append(stored.predictor().evaluate(case.table))
    rows = list(case.names.rows())
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    shown.append(stored.predictor().predict(columns))
    shown.append(stored.analyze("importance", data=case.table))
    views = [HtmlSkeleton(result._repr_html_()) for result in shown]
    return [(view.elements, view.programs) for view in views]


def predictions(case: Case) -> Any:
    """Predictions as CSV and JSON Lines, with a column of the input."""
    for name in ("p.csv", "p.jsonl"):
        case.declnet("predict", "r", case.table.name, "-o", name, "--id", case.features[0])
    with (case.folder / "p.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    probabilities = [f"probability_{name}" for name in case.names.classes]
    assert header == [case.features[0], "prediction", *probabilities]
    lines = (case.folder / "p.jsonl").read_text("utf-8").split("\n")[:-1]
    assert [_json(line)["prediction"] for line in lines] == [row[1] for row in rows]
    return rows


def http(case: Case) -> Any:
    """The server's headers, pages and OpenAPI document."""
    pytest.importorskip("orjson")
    from prometheus_client.parser import text_string_to_metric_families

    from declnet_plugins.serve.app import App
    from declnet_plugins.serve.models import load_models
    from declnet_plugins.serve.options import Options
    from tests.plugins.serve.conftest import Client

    options = Options((("m", case.folder / "r"),), log_requests=False)
    app = App(load_models(options.models, None, print), options)
    row = dict.fromkeys(case.features[:NUMBERS], 0.5)
    row |= dict.fromkeys(case.features[NUMBERS:], "unknown")
    with asyncio.Runner() as runner:
        client = Client(app, runner)
        page, models, document = (client(path) for path in ("/docs", "/models", "/openapi.json"))
        answer, refusal = (
            client("/predict", [row]),
            client("/predict", [{**row, case.features[0]: "many"}]),
        )
        metrics = client("/metrics").body.decode()
    app.close()
    samples = [one for family in text_string_to_metric_families(metrics) for one in family.samples]
    assert {one.labels["column"] for one in samples if "column" in one.labels} == {*case.features}
    assert _json(answer.body.decode())["predictions"][0]["prediction"] in case.names.classes
    assert refusal.status == 422
    for reply in (page, models, document, answer, refusal):
        assert all(f"{name}{value}".isprintable() for name, value in reply.headers.items())
        assert not any(len(n) > 8 and n in v for v in reply.headers.values() for n in case.features)
    skeleton = HtmlSkeleton(page.body.decode())
    described = _json(document.body.decode()) | {"info": None}
    return skeleton.elements, skeleton.programs, described


def sweep(case: Case) -> Any:
    """The summary, the page and the picture of a sweep over names and texts."""
    pytest.importorskip("jinja2")
    pytest.importorskip("vl_convert")
    document = extended_document(tomllib.loads((case.folder / "s.toml").read_text("utf-8")))
    fill = {"type": "impute", "columns": [case.features[NUMBERS]], "strategy": "constant"}
    document["data"]["prepare"][0] = literal_value(fill | {"value": case.names.classes[0]})
    document["training"]["epochs"] = 1
    layers = literal_value(case.names.layers[:2])
    texts = literal_value([*case.names.classes, *case.features[:2]])
    document["sweep"] = {"model.layers.0.name": layers, "data.prepare.0.value": texts}
    (case.folder / "w.json").write_text(json.dumps(document), "utf-8")
    case.declnet("sweep", "w.json", "--out", "w", "--jobs", 1, "--quiet")
    summary = _json((case.folder / "w" / "summary.json").read_text("utf-8"))
    points = {}
    for spec in summary["specs"]:
        layer, text = spec["values"].values()
        keys = ("seeds", "finished", "metrics", "gaps")  # folders are named for the values
        points[layers.index(layer), texts.index(text)] = {key: spec[key] for key in keys}
    case.declnet("plot", "w", "-o", "w.svg")
    case.declnet("report", "w", "-o", "w.html")
    xml_skeleton(case.folder / "w.svg")
    return sorted(points.items()), _page(case.folder / "w.html")


WRITERS = (
    specs,
    files_of_a_run,
    model_card,
    c_files,
    python_file,
    onnx_file,
    report,
    views_of_notebooks,
    predictions,
    http,
    sweep,
)


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_names_only_name(cases: tuple[Case, Case], write: Callable[[Case], Any]) -> None:
    hostile, plain = cases
    result = write(hostile)
    if result is not None:  # both renamed, since names may be words of a format
        assert hostile.renamed(result) == hostile.renamed(plain.result(write))


def test_columns_of_a_database(cases, tmp_path):
    pytest.importorskip("sqlalchemy")
    case = cases[0]
    names = [name for name in (*case.features[:9], case.target) if "\0" not in name]
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        database.execute(f"CREATE TABLE t ({quoted})")
        row = [float(number) for number in range(len(names) - 1)]
        rows = [[*row, name] for name in case.names.classes]
        database.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", rows)
        database.commit()
    source = {"type": "sql", "url": f"sqlite:///{tmp_path}/t.db", "query": "SELECT * FROM t"}
    source["target"] = names[-1]
    table = load_source(DataSource.from_declaration(source), 0, DataSet.TRAIN)
    assert list(table.columns) == names
    assert set(table.columns[names[-1]]) == set(case.names.classes)


@pytest.mark.parametrize("row", [{"a\ud800": 1, "b": "x"}, {"a": 1, "b": "x\udfff"}])
def test_what_is_not_unicode_is_refused(row, tmp_path):
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    source = DataSource.from_declaration(
        {"type": "jsonl", "path": str(tmp_path / "t.jsonl"), "target": "b"}
    )
    with pytest.raises(DataError, match="is not valid Unicode"):
        load_source(source, 0, DataSet.TRAIN)
