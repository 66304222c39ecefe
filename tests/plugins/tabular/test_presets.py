"""Presets for tables: their specs are valid without changes, and learn."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

import declnet
from declnet.runs.inference.predictor import Predictor
from declnet.training.checks.check import check_spec

from ..profiles import spec_document, spec_text, table_profile

PRESETS = ("realmlp_td_s", "realmlp_td", "tabm_mini", "linear", "mlp")
TABULAR = PRESETS[:3]
RANKED = (
    ("linear", "tabm_mini", "realmlp_td_s") if "DECLNET_TEST_PRESETS" in os.environ else ("linear",)
)
TEMPERATURE = {"type": "temperature", "prior_samples": 100}
ROWS, RNG = 90, np.random.default_rng(3)

NUMBER = RNG.normal(size=ROWS).round(3)
COLUMNS = {
    "size": NUMBER,
    "age": np.where(np.arange(ROWS) % 7, RNG.integers(1, 90, ROWS), None),
    "sold": ["2024-03-01", "2024-05-17", "2023-01-09"],
    "sex": ["f", "m", "f", ""],
    "color": ["red", "green", "blue"],
    "city": [f"city {number}" for number in range(12)],
    "garden": ["true", "false"],
    "rare": ["oak"] * 80 + ["elm", "ash"] + ["fir"] * 7 + [""],
    "infinite": ["inf", *RNG.normal(size=ROWS - 1).round(2)],
}
TARGETS = {
    "classes": np.array(["low", "mid", "top"])[np.digitize(NUMBER, (-0.5, 0.5))],
    "binary": np.where(NUMBER > 0, "yes", "no"),
    "values": (2 * NUMBER + 50).round(3),
}


def accuracy_of(preset):
    """Return the metric of two classes; TabM has a probability for each."""
    return "accuracy" if preset == "tabm_mini" else "binary_accuracy"


@pytest.fixture
def written(tmp_path):
    """Write a table, and the spec of a preset for it; return all that follows from it."""

    def write(preset, target, names=tuple(COLUMNS), rows=ROWS):
        columns = {name: COLUMNS[name] for name in names} | {"y": TARGETS[target]}
        lines = [",".join(columns)]
        lines += [
            ",".join(str("" if column[at % len(column)] is None else column[at % len(column)])
                     for column in columns.values())
            for at in range(rows)
        ]  # fmt: skip
        (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", "utf-8")
        text = spec_text(preset, table_profile(tmp_path))
        (tmp_path / "spec.toml").write_text(text, "utf-8")
        return spec_document(preset, table_profile(tmp_path))

    return write


SOME = {
    "all": tuple(COLUMNS),
    "numbers": ("size", "age"),
    "one number": ("size",),
    "categories": ("color", "city", "sex"),
    "one category of many": ("city",),
    "booleans": ("garden", "size"),
    "rare": ("size", "rare"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("preset", "names"),
    [*((preset, names) for preset in TABULAR for names in SOME), ("linear", "all"), ("mlp", "all")],
)
def test_every_spec_is_valid_unchanged(preset, names, target, written, tmp_path):
    written(preset, target, SOME[names])
    assert check_spec(declnet.load_spec(tmp_path / "spec.toml")).problems == ()
    assert max(map(len, (tmp_path / "spec.toml").read_text("utf-8").splitlines())) < 160


@pytest.mark.parametrize("others", [(), ("age", "color")])
@pytest.mark.parametrize("preset", PRESETS)
def test_hundreds_of_categories_are_embedded_and_rare_ones_share_a_vector(
    preset, others, written, tmp_path, monkeypatch
):
    codes = np.arange(900) % 300
    codes[:20] += 300  # 20 categories occur in only one row
    monkeypatch.setitem(COLUMNS, "code", [f"code {code}" for code in codes])
    document = written(preset, "binary", ("code", *others), rows=900)
    assert document["data"]["train"]["features"] == ["code", *others]
    assert document["data"]["prepare"][-1]["type"] == "ordinal"
    checked = check_spec(declnet.load_spec(tmp_path / "spec.toml"))
    assert checked.problems == ()
    embedding = next(node for node in checked.nodes if node.layer.type == "embedding")
    categories, units = embedding.parameters["weights"].shape
    assert (200 < categories <= 302, units) == (True, 8)  # categories of the training rows


@pytest.mark.parametrize("preset", TABULAR)
def test_gaps_have_indicators_and_rare_categories_become_one(preset, written):
    prepare = written(preset, "binary", ("age", "rare", "infinite"))["data"]["prepare"]
    types = [item["type"] for item in prepare]
    assert types[:2] == ["group_rare", "impute"]
    assert prepare[1]["columns"] == ["infinite"]
    scale = "quantile_normal" if preset == "tabm_mini" else "robust_scale"
    at = types.index(scale)
    assert types[at : at + 3] == [scale, "missing_indicator", "impute"]


@pytest.mark.parametrize("preset", TABULAR)
def test_the_target_determines_its_preparation_and_metrics(preset, written, monkeypatch, tmp_path):
    monkeypatch.setitem(TARGETS, "amounts", np.exp(2 * NUMBER).round(3))
    monkeypatch.setitem(TARGETS, "rare", np.where(NUMBER > 1.5, "yes", "no"))
    amounts = written(preset, "amounts", ("age",))
    assert amounts["data"]["prepare_targets"] == {"y": ["clamp", "log", "standardize"]}
    rare = written(preset, "rare", ("age",))
    if preset == "tabm_mini":
        assert rare["training"]["metrics"][:2] == ["f1", "matthews"]
        assert rare["calibration"]["steps"] == [TEMPERATURE]
        return
    assert rare["training"]["metrics"][:2] == ["average_precision", "f1"]
    assert rare["calibration"]["steps"][1:] == [{"type": "threshold", "metric": "f1"}]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("kind", [*TARGETS, "rare"])
def test_epochs_are_chosen_by_the_loss_and_probabilities_calibrated(
    preset, kind, several, tmp_path
):
    target = TARGETS.get(kind, np.where(NUMBER > 1.5, "yes", "no"))
    rows = [f"{x},{y},{y}" for x, y in zip(NUMBER, target, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["x,y,z", *rows]) + "\n", "utf-8")
    profile = table_profile(tmp_path, *("yz" if several else "y"))
    document = spec_document(preset, profile)
    assert check_spec(declnet.parse_spec(document, folder=tmp_path)).problems == ()
    chooses = document["training"]["callbacks"][0]
    metric = "root_mean_squared_error" if kind == "values" else "refined_log_loss"
    expected = f"validation_{'loss' if several else metric}"
    assert chooses["type"] in ("best_epoch", "early_stopping")
    assert chooses["monitor"] == expected
    losses = document["losses"].values() if several else [document["loss"]]
    is_smoothed = preset.startswith("realmlp") and kind in ("classes", "binary")
    smoothing = 0.02 if is_smoothed else None
    assert {loss.get("label_smoothing") for loss in losses} == {smoothing}
    calibrated = losses if several else [document]
    for section in calibrated:
        steps = section.get("calibration", {"steps": []})["steps"]
        assert steps[:1] == ([TEMPERATURE] if kind != "values" else [])


@pytest.mark.parametrize("preset", RANKED)
def test_a_rare_class_is_ranked_about_as_well_as_by_logistic_regression(preset, tmp_path):
    """Accuracy hardly changes from epoch to epoch where 3 % of the rows are of a class."""
    models = pytest.importorskip("sklearn.linear_model")
    linear = models.LogisticRegression(solver="newton-cholesky")
    rng, rows = np.random.default_rng(0), 1500
    x = rng.normal(size=(rows + 4000, 6)).round(3)
    scores = x @ [1.2, -0.8, 0.6, 0, 0, 0] + rng.logistic(size=len(x))
    is_rare, columns = scores > np.quantile(scores, 0.97), "abcdef"
    lines = [f"{','.join(map(str, row))},{rare}" for row, rare in zip(x, is_rare, strict=True)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join([",".join((*columns, "y")), *lines[:rows]]) + "\n", "utf-8")
    document = spec_document(preset, replace(table_profile(tmp_path), folds=1))
    declnet.run(declnet.parse_spec(document, folder=tmp_path), out=tmp_path / "run")
    tested = {name: x[rows:, column] for column, name in enumerate(columns)}
    result = declnet.load_predictor(tmp_path / "run").predict(tested)

    def area(probabilities):
        """Return the area under the ROC curve, for rows after those to learn from."""
        positive, negative = probabilities[is_rare[rows:]], probabilities[~is_rare[rows:]]
        return (positive[:, None] > negative).mean()

    expected = area(linear.fit(x[:rows], is_rare[:rows]).predict_proba(x[rows:])[:, 1])
    assert area(result.probabilities[:, -1]) > expected - 0.05


def test_one_unit_for_two_classes_learns_as_two_units_do(written, tmp_path):
    """RealMLP's authors have a unit for each class; Adam moves their difference twice as far."""
    document = written("realmlp_td_s", "binary", ("size", "age", "color"))
    changes = {"training.epochs": 30, "engine.kernels": "numpy", "model.dtype": "float64"}
    spec = declnet.load_spec(tmp_path / "spec.toml", {**changes, "data.fold": 1})
    document["data"]["fold"] = 1
    output = document["model"]["layers"][-2:]
    output[0]["units"], document["model"]["layers"][-1] = 2, "softmax"
    document["loss"]["type"] = "categorical_crossentropy"
    document["optimizer"]["groups"] = [
        item for item in document["optimizer"]["groups"] if "output" not in item["parameters"][0]
    ]
    document["training"] |= {"epochs": 30, "metrics": ["accuracy"], "callbacks": []}
    document["model"]["dtype"], document["engine"] = "float64", {"kernels": "numpy"}
    first = declnet.run(spec, out=tmp_path / "run").history
    second = declnet.run(declnet.parse_spec(document, folder=tmp_path)).history
    losses = [[item["loss"] for item in history] for history in (first, second)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0][-1] < 0.7 * losses[0][0]


def test_large_tables_get_fewer_epochs(written, tmp_path):
    """Above 6400 training rows the number of steps is kept; beyond that, a few epochs."""
    written("realmlp_td", "values", ("size",))
    profile, result = table_profile(tmp_path), {}
    for rows in (7_500, 50_000, 10_000_000):
        columns = {name: replace(item, rows=rows) for name, item in profile.columns.items()}
        document = spec_document("realmlp_td", replace(profile, columns=columns))
        result[rows] = document["training"]["epochs"]
    assert result[7_500] == 256
    assert 6400 - 256 < result[50_000] * 40_000 // 256 <= 6400
    assert result[10_000_000] == 8


def held_out(preset, profile, **changes):
    """Return folds, validation and test of the spec for a table with some changes."""
    rows = changes.pop("rows", profile.rows)
    columns = {name: replace(item, rows=rows) for name, item in profile.columns.items()}
    data = spec_document(preset, replace(profile, columns=columns, **changes))["data"]
    return tuple(data.get(name) for name in ("folds", "validation", "test"))


def test_small_tables_get_folds(written, tmp_path, monkeypatch):
    written("realmlp_td", "binary", ("size", "age", "city"))
    profile = table_profile(tmp_path)
    assert held_out("realmlp_td", profile) == (5, None, None)
    assert held_out("realmlp_td_s", profile, rows=4_800) == (5, None, None)
    assert held_out("realmlp_td_s", profile, rows=5_000) == (None, 0.15, 0.15)
    assert held_out("realmlp_td", profile, rows=29) == (None, None, None)
    for preset in ("tabm_mini", "mlp", "linear"):
        assert held_out(preset, profile) == (None, 0.15, 0.2)
    for preset in PRESETS:
        assert held_out(preset, profile, folds=3, rows=50_000) == (3, None, None)
        assert held_out(preset, profile, folds=3, test=0.3) == (3, None, 0.3)
        assert held_out(preset, profile, folds=1) == (None, 0.15, 0.2)
        assert held_out(preset, profile, folds=1, test=0.0) == (None, 0.15, None)
    monkeypatch.setitem(TARGETS, "rare", np.where(np.arange(ROWS) < 9, "yes", "no"))
    written("realmlp_td", "rare", ("size",))
    assert held_out("realmlp_td", table_profile(tmp_path)) == (None, 0.15, 0.2)
    monkeypatch.setitem(COLUMNS, "note", texts("large"))
    written("realmlp_td", "binary", ("note",))
    assert held_out("tabm_mini", table_profile(tmp_path)) == (5, None, None)


def test_wide_tables_get_no_folds(written, tmp_path, monkeypatch):
    for number in range(60):
        monkeypatch.setitem(COLUMNS, f"x{number}", RNG.normal(size=ROWS).round(3))
    written("realmlp_td", "values", tuple(f"x{number}" for number in range(60)))
    profile = table_profile(tmp_path)
    assert held_out("realmlp_td", profile, rows=3_100)[0] == 5
    assert held_out("realmlp_td", profile, rows=3_200)[0] is None


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("rows", [12, 40])
def test_few_rows_are_enough(preset, rows, written, tmp_path):
    written(preset, "values", rows=rows)
    assert check_spec(declnet.load_spec(tmp_path / "spec.toml")).problems == ()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("preset", [*TABULAR, "mlp"])
def test_a_short_training_learns_and_predicts_unknown_categories(preset, target, written, tmp_path):
    written(preset, target)
    changes = {"training.epochs": 40 if preset != "tabm_mini" else 8, "engine.kernels": "numpy"}
    changes |= {"data.fold": 1} if preset in TABULAR[:2] else {}
    spec = declnet.load_spec(tmp_path / "spec.toml", changes)
    result = declnet.run(spec, out=tmp_path / "run")
    metrics = result.metrics["train"]
    if target == "values":
        assert metrics["root_mean_squared_error"] ** 2 < 0.6 * TARGETS["values"].var()
    else:
        accuracy = metrics.get("accuracy", metrics.get("binary_accuracy"))
        assert accuracy > {"classes": 0.6, "binary": 0.75}[target]
    predictor = declnet.load_predictor(tmp_path / "run")
    assert isinstance(predictor, Predictor)
    row = {"size": 40.0, "age": None, "sold": "2025-01-01", "sex": "x", "color": None,
           "city": "elsewhere", "garden": True, "rare": None, "infinite": 1.0}  # fmt: skip
    table = {name: [row[name], row[name]] for name in row}
    actual = predictor.predict(table)
    if target == "values" and preset == "realmlp_td":  # clamped to the training data's range
        assert TARGETS["values"].min() <= actual.prediction[0] <= TARGETS["values"].max()


def test_a_large_table_gets_batches_and_drops_a_smaller_last_one(written):
    few, many = (written("realmlp_td_s", "binary", rows=n) for n in (90, 450))
    assert {"batch_size", "drop_last"}.isdisjoint(few["training"])
    assert (many["training"]["batch_size"], many["training"]["drop_last"]) == (256, True)


def texts(kind):
    """Texts whose words say whether the number is positive."""
    phrases = np.where(NUMBER > 0, f"quite a {kind} one", f"rather a small {kind}")
    return [f"the {text} that is number {n} of all" for n, text in enumerate(phrases)]


@pytest.mark.parametrize("preset", TABULAR)
@pytest.mark.parametrize("names", [("note",), ("note", "more"), ("more", "city", "note")])
def test_free_text_is_read_by_its_words(preset, names, written, tmp_path, monkeypatch):
    monkeypatch.setitem(COLUMNS, "note", texts("large"))
    monkeypatch.setitem(COLUMNS, "more", texts("tall"))
    written(preset, "binary", names)
    epochs = 30 if preset != "tabm_mini" else 4
    changes = {"training.epochs": epochs, "engine.kernels": "numpy"}
    spec = declnet.load_spec(tmp_path / "spec.toml", changes)
    assert check_spec(spec).problems == ()
    metrics = declnet.run(spec).metrics["train"]
    is_alone = not {"age", "city"} & set(names)
    assert metrics["binary_accuracy" if is_alone else accuracy_of(preset)] > 0.8
    template = declnet.default_registry().find("template", preset)()
    notes = template.notes_for_table(table_profile(tmp_path))
    others = "" if is_alone else ", in addition to the other columns"
    assert f'column "note" is read as text, by its words and pairs of words{others}' in notes
