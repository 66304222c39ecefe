"""The content of a run's page, by kind of task and by how it ended."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import declnet
from declnet.runs.storage.checksums import checksum


def test_final_metrics_match_the_run(classifier_page, classifier):
    metrics = json.loads((classifier / "metrics.json").read_text("utf-8"))
    heading, *rows = classifier_page.section("overview").one("table").rows()
    assert heading == ["", "train", "validation", "test", 'test baseline: always "0"']
    for name, *cells, baseline in rows:
        result = [metrics[part][name] for part in heading[1:-1]]
        assert [float(cell) for cell in cells] == pytest.approx(result, rel=1e-3)
        assert baseline == ("0.3333" if name == "accuracy" else "-")
    assert [row[0] for row in rows] == ["accuracy", "loss"]


def test_curves_match_the_history(classifier_page, classifier):
    lines = (classifier / "history.jsonl").read_text("utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    values = classifier_page.spec("Loss")["data"]["values"]
    for part, key in (("train", "loss"), ("validation", "validation_loss")):
        drawn = {value["x"]: value["y"] for value in values if value["series"] == part}
        assert drawn == {row["epoch"]: row[key] for row in history}
    assert classifier_page.titles()[:2] == ["Loss", "Accuracy"]


def confusion_of(page):
    """Return the cells of the confusion matrix, without names."""
    tables = page.section("predictions").all("table")
    (table,) = [element for element in tables if element.one("caption").text == "Confusion matrix"]
    return [row.all("td") for row in table.all("tr")[1:]]


def test_classes_have_a_confusion_matrix_that_counts(classifier_page, classifier, shared_runs):
    model = declnet.load_model(classifier)
    with np.load(shared_runs.folder / "spots.npz") as data:
        x, y = data["x"], data["y"]
    predicted = model.predict(x).argmax(axis=1)
    expected = [[int(((y == a) & (predicted == b)).sum()) for b in range(3)] for a in range(3)]
    cells = confusion_of(classifier_page)
    assert [[int(cell.text) for cell in row] for row in cells] == expected
    for true, row in enumerate(cells):
        for label, cell in enumerate(row):
            mark = "" if cell.text == "0" else "good" if label == true else "bad"
            share = expected[true][label] / sum(expected[true])
            assert mark in cell.attributes["class"]
            assert cell.attributes.get("style", "") == (f"--share:{share:.3g}" if mark else "")
    right = int((predicted == y).sum())
    assert f"{right} of them" in classifier_page.section("predictions").text


@pytest.mark.parametrize(
    ("inputs", "outputs", "first"),
    [(1, 1, ["Fit"]), (2, 1, ["Response surface"]), (2, 3, [])],
)
def test_values_of_one_or_two_inputs_have_their_function(page_of, runs, inputs, outputs, first):
    page = page_of(runs.regression("plane", inputs, outputs))
    assert page.titles()[2:] == [*first, "Predicted and true values", "Residuals"]
    points = page.spec("Predicted and true values")["layer"][1]["data"]["values"]
    assert len(points) == 80 * outputs


def test_one_output_means_two_classes(page_of, runs):
    page = page_of(runs.binary())
    assert page.titles()[2:] == ["ROC curve", "Precision and recall", "Reliability"]
    assert len(confusion_of(page)) == 2
    tables = [element.rows() for element in page.section("predictions").all("table")]
    _, first, second = next(table for table in tables if table[0][:2] == ["class", "ROC area"])
    assert first[1] == second[1] != "-"


def test_each_of_several_losses_has_its_predictions(page_of, repository, tmp_path):
    spec = declnet.load_spec(repository / "specs" / "two_heads.toml", {"training.epochs": 3})
    declnet.run(spec, out=tmp_path / "run")
    page = page_of(tmp_path / "run")
    titles = [element.text for element in page.root.all("h2")]
    assert {"Predictions: cultivar", "Predictions: alcohol"} <= set(titles)
    assert len(confusion_of(page)) == 3
    axis = page.spec("Predicted and true values")["layer"][1]["data"]["values"]
    # percent of alcohol, not standardized
    assert all(10 < point["true"] < 16 for point in axis)


def test_the_network_is_drawn_with_shapes_and_counts(classifier_page):
    section = classifier_page.section("network")
    assert "4 layers, 51 parameters" in section.text
    drawing = section.one("svg")
    names = [element.text for element in drawing.all("text", class_="name")]
    assert names == ["input", "dense_1", "tanh_1", "dense_2", "softmax_1"]
    assert [element.text for element in drawing.all("text", class_="count")] == [
        "",
        "24",
        "",
        "27",
        "",
    ]
    assert len(drawing.all("path", class_="wire")) == 4
    assert section.one("table").rows()[1] == ["dense_1", "dense", "input", "8", "24"]


def test_parameters_and_their_gradients_have_histograms(classifier_page, classifier):
    section = classifier_page.section("parameters")
    titles = [element.all("h3")[0].text for element in section.all("figure")]
    assert titles == [title for name in ("dense_1.weights", "dense_1.biases", "dense_2.weights")
                      for title in (name, name)]  # fmt: skip
    weights = declnet.load_model(classifier).parameters()["dense_1.weights"]
    spec = json.loads(section.all("figure")[0].one("script").content())
    assert sum(bar["count"] for bar in spec["data"]["values"]) == weights.size
    heading, first, *_ = section.one("table").rows()
    assert heading[-1] == "gradient (RMS)"
    assert float(first[2]) == pytest.approx(weights.mean(), rel=1e-2)
    assert float(first[-1]) > 0


def remove_data(folder):
    folder.with_suffix(".npz").unlink()


def change_data(folder):
    with np.load(folder.with_suffix(".npz")) as data:
        x, y = data["x"] + 1, data["y"]
    np.savez(folder.with_suffix(".npz"), x=x, y=y)


def damage_weights(folder):
    (folder / "weights.safetensors").write_bytes(b"garbage")


def lose_a_component(folder):
    spec = (folder / "spec.toml").read_text("utf-8")
    (folder / "spec.toml").write_text(spec.replace('"tanh"', '"vanished"'), "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"]["spec.toml"] = checksum((folder / "spec.toml").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(
    ("change", "reported_in", "reason", "histograms"),
    [
        (remove_data, ["predictions"], "spots.npz", 3),
        (change_data, ["predictions"], "not what the run saw: it has another hash", 3),
        (damage_weights, ["predictions", "parameters"], "weights.safetensors: changed since", 0),
        (lose_a_component, ["predictions", "network"], "vanished", 3),
    ],
)
def test_missing_parts_are_reported_and_the_rest_is_shown(
    page_of, runs, change, reported_in, reason, histograms
):
    folder = runs.classifier(epochs=3)
    change(folder)
    page = page_of(folder)
    for section in ("predictions", "parameters", "network"):
        assert (reason in page.section(section).text) == (section in reported_in)
    assert "Metrics that need predictions are left out: " in page.section("predictions").text
    assert page.titles() == ["Loss", "Accuracy"]
    assert len(page.section("parameters").all("figure")) == histograms
    assert len(page.root.all("svg")) == ("network" not in reported_in)


def test_a_failed_run_shows_what_it_recorded(page_of, runs):
    folder = runs.classifier()
    for name in ("metrics.json", "weights.safetensors"):
        (folder / name).unlink()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest |= {"status": "failed", "error": "DivergenceError: epoch 29: the loss is nan"}
    del manifest["files"]
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    page = page_of(folder)
    notice = page.section("overview").one("p", class_="bad").text
    assert notice == "The run failed. DivergenceError: epoch 29: the loss is nan"
    assert page.root.one("header").one("span", class_="failed").text == "failed"
    assert page.titles() == ["Loss", "Accuracy"]
    assert "loss, last epoch" in page.section("overview").text
    assert "has no weights" in page.section("predictions").text
    assert "has no weights" in page.section("parameters").text
    assert page.section("network").one("svg")


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_run_without_an_end_says_so(page_of, runs, status):
    folder = runs.classifier(epochs=3)
    for name in ("metrics.json", "history.jsonl"):
        (folder / name).unlink()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    del manifest["seconds"], manifest["ended"], manifest["files"]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"status": status}), "utf-8")
    page = page_of(folder)
    assert page.section("overview").one("p", class_="notice").text
    assert page.section("training").text == "Training No epoch was logged."
    assert confusion_of(page)


def test_metrics_that_are_not_numbers_leave_gaps(page_of, runs, renew_checksums):
    folder = runs.classifier(epochs=3)
    rows = [{"epoch": index, "loss": None if index == 1 else 0.5} for index in range(4)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "history.jsonl").write_text(lines, "utf-8")
    (folder / "metrics.json").write_text('{"test": {"loss": null, "accuracy": null}}', "utf-8")
    renew_checksums(folder)
    page = page_of(folder)
    assert [point["x"] for point in page.spec("Loss")["data"]["values"]] == [0, 2, 3]
    assert page.section("overview").one("dl").all("dd")[0].text == "-"


def test_compared_runs_share_tables_and_charts(comparison_page):
    assert comparison_page.root.one("h1").text == "2 runs compared"
    rows = comparison_page.section("overview").one("table").rows()
    assert rows[:2] == [["", "spots", "spots_again"], ["status", "finished", "finished"]]
    assert ["training.epochs", "30", "20"] in rows
    assert ["training.batch_size", "-", "16"] in rows
    assert "validation.accuracy" in [row[0] for row in rows]
    values = comparison_page.spec("Loss")["data"]["values"]
    names = [
        f"{run} {part}" for run in ("spots", "spots_again") for part in ("train", "validation")
    ]
    assert list(dict.fromkeys(value["series"] for value in values)) == names
    sections = comparison_page.root.all(class_="run")
    assert [section.attributes["id"] for section in sections] == ["run-1", "run-2"]


def test_of_many_runs_only_some_are_shown_whole(page_of, runs):
    folder = runs.classifier(epochs=2)
    copies = [shutil.copytree(folder, runs.folder / f"copy_{index}") for index in range(10)]
    page = page_of(*copies)
    assert len(page.root.all("section", class_="run")) == 8
    assert len(page.section("overview").one("table").rows()) == 11
    assert "2 more runs" in page.root.one("main").text
