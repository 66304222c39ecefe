"""The folds or seeds of one spec as one predictor, and each row predicted out of fold."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from declnet import (
    DataError,
    DeclnetWarning,
    OutputError,
    load_predictor,
    open_group,
    open_run,
    parse_spec,
    resume,
    run,
)

ROWS = 60


@pytest.fixture
def table(tmp_path):
    """A table of two numbers and a category, with two targets: a class and a positive number."""
    rng = np.random.default_rng(3)
    with (tmp_path / "table.csv").open("w") as file:
        file.write("a,b,color,kind,price\n")
        for _ in range(ROWS):
            a, b = rng.normal(size=2).round(3)
            color = "red" if rng.random() < 0.5 else "blue"
            kind = "xyz"[int(a > 0) + int(b > 0)]
            price = round(float(np.exp(a + (color == "red") + 3)), 3)
            file.write(f"{a},{b},{color},{kind},{price}\n")
    return tmp_path / "table.csv"


def spec_of(table, target, **data):
    """A spec that classifies the kind or predicts the logarithm of the price, scaled."""
    classes = target == "kind"
    source = {"type": "csv", "path": str(table), "target": target, "features": ["a", "b", "color"]}
    prepared = {} if classes else {"prepare_targets": {"price": ["log", "standardize"]}}
    dense = {"type": "dense", "units": 3 if classes else 1}
    metric = "accuracy" if classes else "mean_absolute_error"
    return parse_spec(
        {
            "name": "small",
            "data": {"train": source, "prepare": ["standardize", "one_hot"], **prepared, **data},
            "model": {"dtype": "float64", "layers": [dense, *["softmax"] * classes]},
            "loss": "categorical_crossentropy" if classes else "mean_squared_error",
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "training": {"epochs": 4, "metrics": [metric]},
        }
    )


@pytest.fixture
def folds(table, tmp_path):
    """Four folds, each a quarter of the rows that are not test data."""
    run(spec_of(table, "kind", folds=4, test=0.2), out=tmp_path / "out")
    return tmp_path / "out"


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("target", ["kind", "price"])
def test_the_folder_predicts_the_mean_of_its_members(table, tmp_path, target):
    folds = run(spec_of(table, target, folds=3), out=tmp_path / "out")
    table_features = features(rows_of(table))
    members = [open_run(tmp_path / f"out/fold-{n}").predictor() for n in (1, 2, 3)]
    outputs = [member.predict(table_features).outputs for member in members]
    mean, spread = np.mean(outputs, axis=0), np.std(outputs, axis=0, ddof=1)
    whole = load_predictor(tmp_path / "out")
    assert len(whole.members) == 3
    for predicted in (whole.predict(table_features), folds.predict(table_features)):
        np.testing.assert_allclose(predicted.outputs, mean, rtol=1e-12)
        np.testing.assert_allclose(predicted.spread, spread, rtol=1e-12)
        assert whole.predict(table_features, spread=False).spread is None
        if target == "kind":
            np.testing.assert_allclose(predicted.probabilities.sum(axis=1), 1, rtol=1e-12)
            best = np.array(["x", "y", "z"], object)[mean.argmax(axis=1)]
            assert predicted.prediction.tolist() == best.tolist()
        else:
            np.testing.assert_allclose(predicted.prediction, mean[:, 0], rtol=1e-12)
            assert (predicted.prediction > 0).all()  # each in the unit of the target


@pytest.mark.parametrize("split", [{}, {"method": "stratified"}, {"method": "grouped"}])
def test_out_of_fold_each_row_is_predicted_by_the_model_that_did_not_see_it(table, tmp_path, split):
    grouped = split.get("method") == "grouped"
    more = {"split": {**split, "column": "color"}} if grouped else {"split": split, "test": 0.2}
    folds = 2 if grouped else 4
    run(spec_of(table, "kind", folds=folds, **more), out=tmp_path / "out")
    out_of_fold, table_rows = rows_of(tmp_path / "out/out_of_fold.csv"), rows_of(table)
    numbers = [int(row["row"]) for row in out_of_fold]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == ROWS - (0 if grouped else round(ROWS * 0.2))
    for fold in range(1, folds + 1):
        member = open_run(tmp_path / f"out/fold-{fold}")
        held_out = [row for row in out_of_fold if row["fold"] == str(fold)]
        seen = [table_rows[int(row["row"]) - 1] for row in held_out]
        assert len(held_out) == member.manifest.data["validation"].samples
        assert not grouped or len({row["color"] for row in seen}) == 1
        expected = member.predictor().predict(features(seen))
        assert [row["prediction"] for row in held_out] == expected.prediction.tolist()
        written = [[float(row[f"probability_{name}"]) for name in "xyz"] for row in held_out]
        np.testing.assert_allclose(written, expected.probabilities, rtol=1e-12)


def features(rows):
    return [{"a": float(r["a"]), "b": float(r["b"]), "color": r["color"]} for r in rows]


def test_the_evaluation_out_of_fold_covers_all_rows(folds, table):
    result = open_group(folds).evaluate()
    members = [open_run(folds / f"fold-{n}") for n in range(1, 5)]
    sizes = [member.manifest.data["validation"].samples for member in members]
    assert result.samples == sum(sizes) == 48
    for name in ("loss", "accuracy"):
        values = [member.metrics["validation"][name] for member in members]
        assert result.metrics[name] == pytest.approx(np.average(values, weights=sizes), rel=1e-12)
    kinds = [row["kind"] for row in rows_of(table)]
    right = [kinds[int(row["row"]) - 1] == row["prediction"] for row in rows_of(folds / OUT)]
    assert result.metrics["accuracy"] == pytest.approx(np.mean(right))
    assert result.counts.sum() == 48
    assert result.counts.trace() == sum(right)
    assert result.warnings == ()


OUT = "out_of_fold.csv"


def test_other_data_is_predicted_by_all_models(folds, table):
    """The other data is the test data, which no fold has seen, or a file."""
    ensemble, predictor = open_group(folds), load_predictor(folds)
    result = ensemble.evaluate("test")
    left = {int(row["row"]) for row in rows_of(folds / OUT)}
    rows = [row for n, row in enumerate(rows_of(table), start=1) if n not in left]
    predicted = predictor.predict(features(rows)).prediction
    right = [row["kind"] == label for row, label in zip(rows, predicted, strict=True)]
    assert (result.samples, result.metrics) == (12, {"accuracy": pytest.approx(np.mean(right))})
    assert ensemble.evaluate(Path(table)).samples == ROWS
    assert predictor.evaluate(Path(table)).metrics == ensemble.evaluate(Path(table)).metrics
    with pytest.raises(DataError, match="the rows were seen by some of the models"):
        ensemble.evaluate("train")
    with pytest.raises(DataError, match="the predictor has 4 models"):
        _ = predictor.model


def seeds_of(spec, out, seeds):
    run(spec, out=out, seeds=seeds)
    return open_group(out)


def test_seeds_are_averaged_and_evaluated_on_data_that_none_has_seen(table, tmp_path):
    tested = {"test": {"type": "csv", "path": str(table), "target": "kind"}}
    ensemble = seeds_of(spec_of(table, "kind", **tested), tmp_path / "out", [0, 5])
    assert not (tmp_path / "out" / OUT).exists()
    assert ensemble.evaluate().samples == ROWS
    with pytest.raises(DataError, match="the runs are not folds"):
        ensemble.out_of_fold()
    random = seeds_of(spec_of(table, "kind", test=0.2), tmp_path / "random", [0, 5])
    with pytest.raises(DataError, match="each seed has other test data"):
        random.evaluate()
    every = seeds_of(spec_of(table, "kind", folds=2), tmp_path / "every", [0, 5])
    rows = [(row["seed"], row["row"]) for row in rows_of(tmp_path / "every" / OUT)]
    assert len(set(rows)) == len(rows) == every.evaluate().samples == 2 * ROWS


def test_resuming_trains_only_the_remaining_folds(folds, table, tmp_path):
    """The process seems to have been killed in the third fold."""
    out = tmp_path / "again"
    spec = spec_of(table, "kind", folds=4, test=0.2)

    def killed(event):
        if out.joinpath("fold-2/metrics.json").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(spec, out=out, jobs=1, listener=killed)
    with pytest.raises(
        OutputError,
        match=r"fold-3: this run is not finished \(interrupted\); continue by `declnet resume",
    ):
        load_predictor(out)
    before = {path: path.stat().st_ino for path in out.glob("fold-[12]/*")}
    assert len(resume(out).members) == 4
    assert open_group(out).status == "finished"
    assert {path: path.stat().st_ino for path in out.glob("fold-[12]/*")} == before
    names = [OUT, *(f"fold-{n}/weights.safetensors" for n in range(1, 5))]
    for name in names:
        assert (out / name).read_bytes() == (folds / name).read_bytes()


def test_killed_at_any_file_operation_it_ends_with_the_same_bits(tmp_path):
    script = Path(__file__).parents[1] / "killed_anywhere.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path, "folds"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200


def damaged(folds, how):
    member = folds / "fold-2"
    if how == "weights":
        (member / "weights.safetensors").write_bytes(b"")
    elif how == "missing":
        member.rename(folds / "other")
    elif how == "replaced":
        (member / "manifest.json").write_bytes((folds / "fold-1/manifest.json").read_bytes())
    elif how == "listed outside":
        change(folds, lambda content: content["tasks"][1].update(folder="../fold-2"))
    else:
        manifest = json.loads((member / "manifest.json").read_text())
        manifest["declnet"] = "0.0.1"
        (member / "manifest.json").write_text(json.dumps(manifest))
        change(folds, lambda content: content["manifests"].pop("fold-2"))


def change(folds, how):
    content = json.loads((folds / "group.json").read_text())
    how(content)
    (folds / "group.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("weights", r"fold-2/weights.safetensors: changed since the run ended"),
        ("missing", r"fold-2: this run is missing; restore it"),
        ("replaced", r"fold-2/manifest.json: changed since the runs ended.*in group.json"),
        ("listed outside", r"group.json: .*../fold-2.* is not a folder within this one"),
        ("version", r"fold-2: this run was made by declnet 0.0.1, but fold-1 by \S+; train"),
    ],
)
def test_a_damaged_member_is_named(folds, how, message):
    damaged(folds, how)
    with pytest.raises(OutputError, match=message):
        load_predictor(folds)


def test_folds_are_a_predictor_without_predictions_out_of_fold(table, tmp_path):
    """The data is moved after the last fold, before the folder is finished."""
    out = tmp_path / "out"
    run(spec_of(table, "kind", folds=2), out=out)
    (out / OUT).unlink()
    record = json.loads((out / "group.json").read_text("utf-8"))
    (out / "group.json").write_text(json.dumps({**record, "status": "running"}), encoding="utf-8")
    table.rename(tmp_path / "moved.csv")
    with pytest.warns(DeclnetWarning, match=r"no predictions out of fold: .*table.csv"):
        resume(out)
    assert open_group(out).status == "finished"
    assert not (out / OUT).exists()
    assert load_predictor(out).evaluate(tmp_path / "moved.csv").samples == ROWS
