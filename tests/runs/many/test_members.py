"""Groups of weighted members: a linear model and the folds of a network."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import declnet
from declnet import DataError, Group, OutputError, Predictor, SpecError, open_group, open_run
from declnet.runs.many.selection import greedy

ROWS = 120


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, ROWS))
    color = np.array(["red", "blue"])[rng.integers(0, 2, ROWS)]
    price = 3 * a + np.abs(b) + 2 * (color == "red") + rng.normal(0, 0.2, ROWS)
    kind = np.where(a * b + (color == "red") > 0.3, "x", "y")
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    rows = zip(a.tolist(), b.tolist(), color, price.tolist(), kind, strict=True)
    path.write_text("a,b,color,price,kind\n" + "".join(f"{','.join(map(str, r))}\n" for r in rows))
    return path


def spec_of(table, target, members=({}, {}), **top):
    units = 2 if target == "kind" else 1
    last = [{"type": "dense", "units": units}, *(["softmax"] if units == 2 else [])]
    features = ["a", "b", "color"]
    source = {"type": "csv", "path": str(table), "target": target, "features": features}
    linear = {
        "name": "linear",
        "model": {"layers": last},
        # its own columns and preparation
        "data": {"train": {"features": ["a", "color"]}, "prepare": ["min_max", "one_hot"]},
    }
    network = {
        "name": "network",
        "model": {"layers": [{"type": "dense", "units": 8}, "tanh", *last]},
    }
    loss = "categorical_crossentropy" if target == "kind" else "mean_squared_error"
    return {
        "declnet": 1,
        "seed": 2,
        "data": {"train": source, "folds": 3, "test": 0.2, "prepare": ["standardize", "one_hot"]},
        "loss": loss,
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "training": {"epochs": 15, "metrics": ["accuracy"] if target == "kind" else ["r2"]},
        "members": [{**linear, **members[0]}, {**network, **members[1]}],
        **top,
    }


def rows_of(table):
    lines = [line.split(",") for line in table.read_text().splitlines()[1:]]
    return [{"a": float(a), "b": float(b), "color": color} for a, b, color, *_ in lines]


@pytest.mark.parametrize("target", ["kind", "price"])
def test_a_prediction_is_the_weighted_mean_of_all_models(table, tmp_path, target):
    document = spec_of(table, target, ({"weight": 3.0}, {}))
    declnet.run(document, out=tmp_path / "out")
    group, rows = open_group(tmp_path / "out"), rows_of(table)
    assert group.weights == {"linear": 3.0, "network": 1.0}
    mean = 0
    for name, weight in (("linear", 3 / 4), ("network", 1 / 4)):
        runs = [open_run(tmp_path / f"out/{name}/fold-{fold}") for fold in (1, 2, 3)]
        mean += weight * np.mean([run.predictor().predict(rows).outputs for run in runs], axis=0)
    np.testing.assert_allclose(group.predictor().predict(rows).outputs, mean, rtol=1e-6)
    # out of fold: each row by the models of its fold
    parts = group.examined("validation")
    assert sorted(np.concatenate([part.raw.row_numbers for part in parts]).tolist()) == sorted(
        {*range(1, ROWS + 1)} - set(group.examined("test")[0].raw.row_numbers.tolist())
    )
    evaluation = group.evaluate()
    alone = {name: score for name, (_, score) in group.of_members("validation").items()}
    assert evaluation.samples == alone["linear"].samples == ROWS - round(ROWS * 0.2)
    assert alone["network"].metrics == pytest.approx(
        {**open_group(tmp_path / "out/network").evaluate().metrics}, rel=1e-6
    )
    importance = group.analyze("importance")[0].tables[0]
    assert {row[0] for row in importance.rows} == {"a", "b", "color"}


@pytest.mark.parametrize("target", ["kind", "price"])
@pytest.mark.parametrize("folds", [3, None])
def test_selected_weights_are_no_worse_than_any_other_on_a_grid(table, tmp_path, target, folds):
    document = spec_of(table, target, weights="selected")
    document["data"] |= {"folds": folds} if folds else {"validation": 0.3}
    if folds is None:
        del document["data"]["folds"]
    declnet.run(document, out=tmp_path / "out")
    group = open_group(tmp_path / "out")
    equal = group.file.model_copy(update={"weights": dict.fromkeys(group.weights, 1.0)})
    parts = Group(group.path, equal).examined_alone("validation")
    y = np.concatenate([part.targets()[0] for part in parts["linear"]])
    outputs = {name: np.concatenate([part.outputs()[""] for part in parts[name]]) for name in parts}

    def loss(share):
        mean = share * outputs["linear"] + (1 - share) * outputs["network"]
        if target == "price":
            return float(np.mean((mean[:, 0] - y.reshape(-1)) ** 2))
        return float(-np.log(mean[np.arange(len(y)), y]).mean())

    assert sum(group.weights.values()) == pytest.approx(1)
    best = min(loss(share) for share in np.linspace(0, 1, 51))
    assert loss(group.weights["linear"]) <= best + 1e-3 * abs(best)


def test_greedy_selection_finds_the_weights_of_a_quadratic():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=200)
    predictions = truth + rng.normal(size=(3, 200)) * np.array([[1.0], [0.5], [5.0]])

    def loss(counts):
        return float(np.mean((counts @ predictions / counts.sum() - truth) ** 2))

    def losses(counts):
        return [loss(counts + one) for one in np.eye(3)]

    weights = np.array(greedy(losses, 3))
    grid = (np.array([i, j, 20 - i - j]) for i in range(21) for j in range(21 - i))
    assert loss(weights) <= 1.001 * min(map(loss, grid))
    # of the same loss, the first one enters, and NaN never does
    assert greedy(lambda _: [np.nan, 1.0, 1.0], 3) == [0.0, 1.0, 0.0]


def test_members_without_weight_are_neither_loaded_nor_needed(table, tmp_path):
    declnet.run(spec_of(table, "price", weights="selected"), out=tmp_path / "out")
    group = open_group(tmp_path / "out")
    group.note(weights={"linear": 0.0, "network": 1.0})
    (tmp_path / "out/linear/fold-1/weights.safetensors").unlink()
    assert len(group.predictor().members) == 3


def test_it_is_trained_resumed_and_examined_by_the_command_line(table, tmp_path, command_in):
    command = command_in(tmp_path)
    (tmp_path / "blend.json").write_text(json.dumps(spec_of(table, "kind", weights="selected")))
    done = command("run", "blend.json", "--out", "out")
    assert done.returncode == 0
    assert "members, out of fold" in done.stdout
    whole = (tmp_path / "out/out_of_fold.csv").read_bytes()
    group = json.loads((tmp_path / "out/group.json").read_text())
    # a kill before the last run and the selection
    (tmp_path / "out/network/fold-3/manifest.json").unlink()
    killed = {key: group[key] for key in group if key not in ("weights", "manifests", "status")}
    (tmp_path / "out/group.json").write_text(json.dumps(killed))
    with pytest.raises(OutputError, match="selected when all have finished"):
        open_group(tmp_path / "out").predictor()
    shutil.rmtree(tmp_path / "out/network/fold-3")
    assert command("resume", "out").returncode == 0
    again = json.loads((tmp_path / "out/group.json").read_text())
    assert again["weights"] == group["weights"]
    assert (tmp_path / "out/out_of_fold.csv").read_bytes() == whole
    done = command("evaluate", "out", "--analyze", "importance", "--format", "json")
    printed = json.loads(done.stdout)
    assert [evaluation["data"] for evaluation in printed["evaluations"]] == ["out of fold", "test"]
    assert printed["analyses"][0]["samples"] == 96
    assert command("check", "blend.json").returncode == 0
    for name in ("trace", "sweep", "tune"):
        done = command(name, "blend.json")
        assert (done.returncode, "members" in done.stderr) == (2, True)


@pytest.mark.parametrize(("callback", "folds"), [("early_stopping", 0), ("reduce_on_plateau", 3)])
def test_weights_are_not_selected_on_rows_that_steered_a_training(table, callback, folds):
    steered = {"training": {"callbacks": [callback]}}
    document = spec_of(table, "kind", ({}, steered), weights="selected")
    if not folds:
        del document["data"]["folds"]
        document["data"]["validation"] = 0.3
    with pytest.raises(SpecError) as refused:
        declnet.run(document)
    (problem,) = refused.value.problems
    assert f'"{callback}" chooses by the validation data' in problem.message


def test_members_that_hold_out_other_rows_have_no_mean_out_of_fold(table, tmp_path):
    other = ({}, {"seed": 9})
    with pytest.raises(SpecError) as refused:
        declnet.run(spec_of(table, "kind", other, weights="selected"))
    (problem,) = refused.value.problems
    assert '"network" does not hold out the same rows as "linear"' in problem.message
    with pytest.warns(declnet.DeclnetWarning, match="hold out other rows than each other"):
        declnet.run(spec_of(table, "kind", other), out=tmp_path / "out")
    group = open_group(tmp_path / "out")
    with pytest.raises(DataError, match="no mean out of fold"):
        group.evaluate("validation")
    with pytest.raises(DataError, match="other test data"):
        group.evaluate("test")
    assert len(group.predictor().members) == 6


def test_members_of_other_data_with_as_many_rows_have_no_mean_out_of_fold(table, tmp_path):
    lines = table.read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    change = {"data": {"train": {"path": str(other)}}}
    with pytest.warns(declnet.DeclnetWarning, match="hold out other rows than each other"):
        declnet.run(spec_of(table, "price", ({}, change)), out=tmp_path / "out")


def test_weights_are_not_selected_for_quantiles(table):
    document = spec_of(table, "price", weights="selected")
    document["loss"] = {"type": "quantile", "quantiles": [0.1, 0.9]}
    document["training"]["metrics"] = []
    for member in document["members"]:
        member["model"]["layers"][-1]["units"] = 2
    with pytest.raises(SpecError) as refused:
        declnet.run(document)
    (problem,) = refused.value.problems
    assert 'cannot be selected for the predictions of "quantile"' in problem.message


DIFFERENT = {
    "classes": ({"data": {"train": {"target": "color", "features": ["a", "b"]}}}, "other targets"),
    "outputs": (
        {
            "model": {"layers": [{"type": "dense", "units": 1}, "sigmoid"]},
            "loss": "binary_crossentropy",
            "training": {"metrics": []},
        },
        "other outputs",
    ),
}


@pytest.mark.parametrize(("change", "message"), DIFFERENT.values(), ids=DIFFERENT)
def test_members_that_have_no_mean_are_refused(table, change, message):
    with pytest.raises(SpecError) as refused:
        declnet.run(spec_of(table, "kind", ({}, change)))
    assert message in refused.value.problems[0].message


def test_a_predictor_of_several_members_says_what_only_one_has(table, tmp_path):
    result = declnet.run(spec_of(table, "kind"), out=tmp_path / "out")
    assert isinstance(result.predictor, Predictor)
    for name in ("model", "preparation", "member"):
        with pytest.raises(DataError, match="the predictor has 6 models"):
            getattr(result.predictor, name)
