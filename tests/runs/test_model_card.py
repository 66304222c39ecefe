"""The model card, which contains only values of the spec, manifest and metrics."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest

import declnet
from declnet import open_group, open_run

HOSTILE = ("a|b", "<b>x</b>", "# \n[y](z)", "`--> -->`", "&amp; $x$ ~~\\")


def metadata(folder):
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((folder / "README.md").read_text("utf-8").split("---\n")[1])


def headings(folder):
    """Return the headings of a Markdown text."""
    tokens = (
        pytest.importorskip("markdown_it")
        .MarkdownIt("commonmark")
        .enable("table")
        .parse((folder / "README.md").read_text("utf-8").split("---\n", 2)[2])
    )
    assert [token.content.strip() for token in tokens if token.type == "html_block"] == [
        "<!-- declnet: this part is generated; text below it stays -->",
        "<!-- declnet: end of the generated part -->",
    ]
    return [
        tokens[at + 1].children[0].content
        for at, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def test_the_card_of_a_run_has_its_data_and_metrics(flowers):
    run, text = open_run(flowers.run), (flowers.run / "README.md").read_text("utf-8")
    card = metadata(flowers.run)
    assert (card["library_name"], card["pipeline_tag"]) == ("declnet", "tabular-classification")
    (entry,) = card["model-index"]
    assert entry["name"] == run.name
    for name, result in zip(("test", "validation"), entry["results"], strict=True):
        assert result["task"] == {"type": "tabular-classification"}
        assert result["dataset"] == {
            "name": "flowers.csv",
            "type": "csv",
            "split": name,
            "revision": run.manifest.data[name].hash,
        }
        values = {metric["type"]: metric["value"] for metric in result["metrics"]}
        assert values == {key: run.metrics[name][key] for key in ("accuracy", "f1", "loss")}
        assert next(iter(values)) == "accuracy"
    sections = ["Inputs", "Data", "Metrics", "Use", "Versions"]
    assert headings(flowers.run) == [run.name, *sections]
    assert 'Predicts "kind", one of 3 classes: aster, lily, tall, rose.' in text
    assert "| color | text |\n" in text
    for name, used in run.manifest.data.items():
        assert f"| {name} | {used.samples} | {used.hash} |\n" in text
    assert "test baseline: " in text
    assert f"| numpy | {run.manifest.numpy} |\n" in text


def test_names_from_outside_are_shown_as_they_are(document, tmp_path):
    rng = np.random.default_rng(0)
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*HOSTILE[:3], HOSTILE[3]])
        for row in range(30):
            writer.writerow([*rng.normal(size=3), HOSTILE[row % 3]])
    source = {"type": "csv", "path": str(tmp_path / "rows.csv"), "target": HOSTILE[3]}
    document |= {"name": 'x" <i> | *y*: ---', "data": {"train": source, "validation": 0.3}}
    declnet.run(document, out=tmp_path / "run")
    assert len(headings(tmp_path / "run")) == 6
    assert metadata(tmp_path / "run")["model-index"][0]["name"] == document["name"]


@pytest.mark.parametrize(
    ("target", "last", "loss", "data", "tag"),
    [
        ("y", [], "mean_squared_error", {}, "tabular-regression"),
        ("flag", ["sigmoid"], "binary_crossentropy", {}, "tabular-classification"),
        (
            "y",
            [],
            "mean_squared_error",
            {"windows": {"past": 4, "horizon": 1}, "split": "time"},
            "time-series-forecasting",
        ),
    ],
)
def test_the_tag_follows_from_data_and_loss(target, last, loss, data, tag, document, tmp_path):
    rows = "".join(f"{row},{row % 5 / 2},{'no' if row % 3 else 'yes'}\n" for row in range(40))
    (tmp_path / "rows.csv").write_text(f"x,y,flag\n{rows}")
    source = {"type": "csv", "path": str(tmp_path / "rows.csv"), "target": target}
    if "split" in data:
        data = data | {"split": {"method": "time", "column": "x"}}
        document["model"]["layers"] = ["flatten"]
    else:
        document["model"]["layers"] = []
    source["features"] = ["x", "y"] if "windows" in data else ["x"]
    document["model"]["layers"] += [{"type": "dense", "units": 1}, *last]
    document |= {"data": {"train": source, **data}, "loss": loss, "training": {"epochs": 2}}
    declnet.run(document, out=tmp_path / "run")
    card = metadata(tmp_path / "run")
    assert card["pipeline_tag"] == tag
    assert [r["dataset"]["split"] for r in card["model-index"][0]["results"]] == ["train"]


def test_the_image_tag_follows_from_the_source(document, tmp_path):
    image = pytest.importorskip("PIL.Image")
    for number in range(6):
        folder = tmp_path / "pets" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image.new("L", (8, 8), 40 * number).save(folder / f"{number}.png")
    document["data"] = {"train": {"type": "image_folder", "path": str(tmp_path / "pets")}}
    document["model"]["layers"] = ["flatten", {"type": "dense", "units": 2}, "softmax"]
    declnet.run(document, out=tmp_path / "run")
    assert metadata(tmp_path / "run")["pipeline_tag"] == "image-classification"


def test_arrays_have_a_tag_only_if_their_source_declares_it(document, blobs, tmp_path):
    declnet.run(document, out=tmp_path / "arrays")
    card = metadata(tmp_path / "arrays")
    assert "pipeline_tag" not in card
    assert card["model-index"][0]["results"][0]["task"] == {"type": "other"}
    assert "| x | 2 | float |" in (tmp_path / "arrays" / "README.md").read_text("utf-8")
    declnet.run(document, {"train": blobs}, out=tmp_path / "passed")
    assert "pipeline_tag" not in metadata(tmp_path / "passed")


def test_folds_have_one_card_with_the_metrics_of_all_models_together(document, blobs, tmp_path):
    folds = document | {"data": {**document["data"], "folds": 3}}
    declnet.run(folds, out=tmp_path / "folds")
    group = open_group(tmp_path / "folds")
    (result,) = metadata(tmp_path / "folds")["model-index"][0]["results"]
    assert result["dataset"]["split"] == "out of fold"
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    metrics = group.evaluate().metrics
    assert values == {name: metrics[name] for name in ("accuracy", "loss")}
    assert "A prediction is the mean of 3 models." in (tmp_path / "folds/README.md").read_text()
    assert not (tmp_path / "folds" / "fold-1" / "README.md").exists()
    # without the data, there are the means of the runs
    declnet.run({**folds, "data": {"folds": 3}}, {"train": blobs}, out=tmp_path / "passed")
    results = metadata(tmp_path / "passed")["model-index"][0]["results"]
    assert [result["dataset"]["split"] for result in results] == ["validation"]
    mean = np.mean([run.metrics["validation"]["accuracy"] for run in group.runs])
    assert results[0]["metrics"][0] == {"type": "accuracy", "value": pytest.approx(mean)}


def test_a_card_that_a_person_wrote_before_the_end_stays(document, tmp_path):
    document["training"] |= {"epochs": 4, "callbacks": [{"type": "checkpoint", "every_epochs": 1}]}

    def interrupt(event):
        if getattr(event, "epoch", 0) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        declnet.run(document, out=tmp_path / "run", listener=interrupt)
    readme = tmp_path / "run" / "README.md"
    assert not readme.exists()
    readme.write_text("---\nlicense: mit\n---\n\nOurs.\n")
    declnet.resume(tmp_path / "run")
    assert metadata(tmp_path / "run")["license"] == "mit"
    assert metadata(tmp_path / "run")["library_name"] == "declnet"
    assert readme.read_text().endswith("---\n\nOurs.\n")
    files = json.loads((tmp_path / "run" / "manifest.json").read_text())["files"]
    assert "README.md" not in files
    assert re.match("sha256:", files["spec.toml"])
