"""Models trained elsewhere, assembled from their parts and written as runs."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import (
    DataError,
    InputInfo,
    OutputError,
    Predictor,
    Table,
    WeightsError,
    assemble,
    load_predictor,
    open_run,
    parse_spec,
    write_run,
)

SPEC = {
    "data": {
        "prepare": [
            {"type": "standardize", "columns": ["age"]},
            {"type": "one_hot", "columns": ["city"]},
        ]
    },
    "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
    "loss": {"type": "categorical_crossentropy"},
    "optimizer": {"type": "sgd"},
    "training": {"epochs": 1},
}
STATES = ({"age": {"mean": 40.0, "std": 8.0}}, {"city": {"categories": ["Rome", "Bern"]}})
PARAMETERS = {
    "dense_1.weights": np.float32([[0.5, -0.25], [1, 0], [0, 2]]),
    "dense_1.biases": np.float32([0.125, 0]),
}
ROWS = Table(
    {
        "age": np.array([31.0, 52.5]),
        "city": np.array(["Rome", "Bern"], object),
        "plan": np.array(["no", "yes"], object),
    },
    target="plan",
    classes={"plan": ("yes", "no")},
)


def assembled(**changes):
    parts = {"parameters": PARAMETERS, "states": STATES} | changes
    return assemble(parse_spec(SPEC), ROWS, **parts)


def test_a_written_model_predicts_as_its_parts_say(tmp_path):
    member = assembled()
    write_run(member, ROWS, tmp_path / "run")
    run, ages, cities = open_run(tmp_path / "run"), [48.0, 40.0], ["Bern", "Rome"]
    x = np.array([[1.0, 0, 1], [0, 1, 0]])  # the states decide, not the rows
    logits = x @ PARAMETERS["dense_1.weights"] + PARAMETERS["dense_1.biases"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for predictor in (Predictor([member]), run.predictor(), load_predictor(tmp_path / "run")):
        prediction = predictor.predict({"city": cities, "age": ages})
        np.testing.assert_allclose(prediction.probabilities, expected, rtol=1e-6)
        assert prediction.prediction.tolist() == ["no", "yes"]
        assert predictor.class_names == ("yes", "no")
    assert (run.status, run.metrics, run.history, run.manifest.data) == ("finished", {}, [], {})
    assert run.manifest.components["transform"].keys() == {"one_hot", "standardize"}
    rows = run.synthetic_rows
    assert {*rows["city"]} == {"Rome", "Bern"}
    assert ((rows["age"] >= 31) & (rows["age"] <= 52.5)).all()


def test_arrays_need_no_rows(tmp_path):
    document = {**SPEC, "data": {}, "loss": {"type": "mean_squared_error"}}
    document["model"] = {"layers": [{"type": "dense", "units": 2}]}
    member = assemble(parse_spec(document), {"": InputInfo((3,))}, PARAMETERS)
    np.testing.assert_array_equal(member.model.predict(np.eye(3)[:1]), [[0.625, -0.25]])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"states": STATES[:1]}, DataError, 'one_hot has no state for the column "city"'),
        ({"parameters": {}}, WeightsError, "dense_1.weights"),
    ],
)
def test_parts_that_are_missing_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        assembled(**changes)


def test_files_that_do_not_belong_to_a_run_are_never_replaced(tmp_path):
    write_run(assembled(), ROWS, tmp_path)
    with pytest.raises(OutputError, match="not empty"):
        write_run(assembled(), ROWS, tmp_path)
    parameters = {name: 2 * array for name, array in PARAMETERS.items()}
    card = tmp_path / "README.md"
    text = card.read_text("utf-8")
    assert "| city | text |" in text
    assert not any(empty in text for empty in ("model-index", "## Data", "## Metrics"))
    card.write_bytes(card.read_bytes() + b"\nOurs.\n")
    write_run(assembled(parameters=parameters), ROWS, tmp_path, overwrite=True)
    assert card.read_text("utf-8").endswith("\n\nOurs.\n")
    written = open_run(tmp_path).parameters()
    np.testing.assert_array_equal(written["dense_1.biases"], [0.25, 0])
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r'"notes\.txt", which is not a file'):
        write_run(assembled(), ROWS, tmp_path, overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    card.unlink()
    card.symlink_to("notes.txt")
    (tmp_path / "notes.txt").rename(tmp_path.with_suffix(".txt"))
    with pytest.raises(OutputError, match=r"README\.md: cannot be read: a symbolic link"):
        write_run(assembled(), ROWS, tmp_path, overwrite=True)
    np.testing.assert_array_equal(open_run(tmp_path).parameters()["dense_1.biases"], [0.25, 0])
