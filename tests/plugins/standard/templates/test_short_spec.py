"""The spec that the template of tables writes for a table."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

import declnet
from declnet import DataError
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.templates.dense import MLP
from declnet_plugins.standard.templates.short_spec import PresetTemplate

from ...profiles import spec_document, spec_text, table_profile

TEMPERATURE = {"type": "temperature", "prior_samples": 100}
RNG = np.random.default_rng(6)


@pytest.fixture
def written(tmp_path):
    """Write a table of columns, each repeated to as many rows, and return its path."""

    def write(rows=60, **columns):
        cells = {name: [str(item) for item in column] for name, column in columns.items()}
        lines = [",".join(f'"{name}"' for name in cells)]
        lines += [",".join(cell[at % len(cell)] for cell in cells.values()) for at in range(rows)]
        path = tmp_path / "table.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return write


@pytest.fixture
def new_spec(tmp_path, written):
    """Write a table and return its spec's document, which must be valid unchanged."""

    def make(target="y", rows=60, task=None, **columns):
        written(rows, **columns)
        profile = table_profile(tmp_path, target, task=task)
        text = spec_text("table", profile)
        (tmp_path / "spec.toml").write_text(text, "utf-8")
        assert max(map(len, text.splitlines())) < 160
        spec = declnet.load_spec(tmp_path / "spec.toml")
        assert check_spec(spec).problems == ()
        return spec_document("table", profile)

    return make


@pytest.fixture
def note(tmp_path):
    """Return the only note about the table that was written, for its target y."""

    def find(preset="table"):
        template = declnet.default_registry().find("template", preset)()
        (only,) = template.notes_for_table(table_profile(tmp_path))
        return only

    return find


def numbers(count=60):
    return RNG.normal(size=count).round(3)


def types(document):
    return [item if isinstance(item, str) else item["type"] for item in document["model"]["layers"]]


YES_OR_NO = ("sigmoid", 1, "binary_crossentropy", "binary_accuracy")
CLASSES = ("softmax", 3, "categorical_crossentropy", "accuracy")
NUMBERS = ("dense", 1, "mean_squared_error", "root_mean_squared_error")


@pytest.mark.parametrize(
    ("y", "task", "expected"),
    [
        *((y, None, YES_OR_NO) for y in (["no", "yes"], ["true", "false"], [0, 1], [3, 7])),
        *((y, None, CLASSES) for y in (["a", "b", "c"], [1, 2, 3], ["1.0", "2.0", "3.0"])),
        *((y, None, NUMBERS) for y in (numbers(), [f"{number}" for number in range(100, 160)])),
        ([1, 2, 3], "regression", NUMBERS),
        (list(range(20)), "classification", ("softmax", 20, *CLASSES[2:])),
    ],
)
def test_the_target_determines_the_end_of_the_network(y, task, expected, new_spec):
    document = new_spec(x=numbers(), y=y, task=task)
    units = [layer["units"] for layer in document["model"]["layers"] if "units" in layer]
    task = document["loss"]["type"], document["training"]["metrics"][0]
    assert (types(document)[-1], units[-1], *task) == expected
    split = None if expected is NUMBERS else {"method": "stratified"}
    assert document["data"].get("split") == split


def test_metrics_of_the_preset_are_a_comment_that_may_be_changed(new_spec, tmp_path):
    document = new_spec(x=numbers(), y=["no", "yes"])
    path = tmp_path / "spec.toml"
    text = path.read_text("utf-8")
    assert tomllib.loads(text)["training"] == {}
    path.write_text(text.replace("# metrics = ", "metrics = "), "utf-8")
    assert tomllib.loads(path.read_text("utf-8"))["training"] == {
        "metrics": document["training"]["metrics"]
    }


def test_useless_columns_are_left_out_with_the_reason(new_spec, tmp_path):
    document = new_spec(
        x=numbers(),
        row=range(60),
        name=[f"person {index}" for index in range(60)],
        same=["x"] * 60,
        empty=[""] * 60,
        rare=["1"] + [""] * 59,
        color=["red", "green"] * 30,
        day=[f"2024-{1 + index // 28:02}-{1 + index % 28:02}" for index in range(59)]
        + ["2024-02-30"],
        y=["a", "b", "c"] * 20,
    )
    assert document["data"]["train"]["features"] == ["x", "color"]
    text = (tmp_path / "spec.toml").read_text("utf-8")
    for name, reason in {
        "row": "numbers the rows",
        "name": "60 different texts in 60 rows; tokenize reads texts",
        "same": "always the same",
        "day": 'dates, but "2024-02-30" is not like the others; datetime needs dates that are all '
        "written alike",
        "empty": "empty",
        "rare": "only 1 of 60 rows have a value",
    }.items():
        (line,) = [item for item in text.splitlines() if item.strip().startswith(f'# "{name}",')]
        assert line.endswith(f"# left out: {reason}")
    assert 'columns = ["x", { name = "color", categories = 2 }]' in text


SENTENCES = [f"the {a} is {b} than a {c}" for a in "uvwx" for b in "yz" for c in "mnopqrst"]


def test_texts_of_many_words_are_inputs_of_their_own(new_spec, tmp_path):
    many, y = numbers(64), ["a", "b", "c", "d"] * 16
    alone = new_spec(note=SENTENCES, y=y, rows=64)
    assert "inputs" not in alone["data"]
    text = (tmp_path / "spec.toml").read_text("utf-8")
    assert '{ name = "note", type = "words", length = 7, longest = 7 }' in text
    words = {"ngrams": 2, "weights": "tf_idf", "missing": "empty"}
    tokenize = {"type": "tokenize", "columns": ["note"], **words}
    assert alone["data"]["prepare"] == [tokenize]
    assert types(alone) == ["embedding_bag", "softmax"]
    assert (alone["data"]["folds"], alone["optimizer"]["type"]) == (5, "sgd")
    long = ["far " * 300 + SENTENCES[0], *SENTENCES[1:]]
    both = new_spec(x=many, note=long, more=SENTENCES[::-1], word=["u", "v"] * 32, y=y, rows=64)
    expected = {"text_1": ["note"], "text_2": ["more"], "table": ["x", "word"]}
    assert both["data"]["inputs"] == expected
    assert both["data"]["prepare"][0] == tokenize | {"length": 512}
    assert [item["type"] for item in both["data"]["prepare"][1:]] == [
        "tokenize",
        "impute",
        "standardize",
        "one_hot",
    ]
    assert types(both)[-5:] == ["dense", *["embedding_bag"] * 2, "add", "softmax"]
    assert both["model"]["layers"][-2]["inputs"] == ["output", "text_1", "text_2"]
    assert both["optimizer"]["groups"][1]["parameters"] == ["text_1.weights", "text_2.weights"]


@pytest.mark.parametrize(
    ("letters", "unit"),
    [
        ("店馆吧厅菜茶酒汤好差新旧", "characters"),
        ("กขคงจฉชซญดตถ", "characters"),
        ("あいうえおかきくけこさし", "characters"),
        ("abcdefghijkl", None),  # codes
    ],
)
def test_texts_without_spaces_are_read_by_their_characters(letters, unit, new_spec):
    texts = [f"{a}{b}{c}{a}{c}{b}" for a in letters[:4] for b in letters[4:8] for c in letters[8:]]
    document = new_spec(note=texts, x=numbers(64), y=["a", "b"] * 32, rows=64)
    assert ("note" in document["data"]["train"]["features"]) == (unit is not None)
    if unit is not None:
        tokenize = document["data"]["prepare"][0]
        assert (tokenize["unit"], tokenize["ngrams"]) == (unit, 3)


def test_preparation_is_what_the_columns_need(new_spec):
    plain = new_spec(x=numbers(), y=["a", "b"] * 30)
    fill = {"type": "impute", "strategy": "median"}
    assert plain["data"]["prepare"] == [fill, {"type": "standardize"}]
    words = new_spec(word=["u", "v", "w"] * 20, y=["a", "b"] * 30)
    assert words["data"]["prepare"] == [fill, {"type": "one_hot"}]
    infinite = new_spec(x=["1.5", "inf", "2", "-Infinity"] * 15, y=["a", "b"] * 30)
    assert infinite["data"]["prepare"][0] == fill | {"infinite": True}
    gaps = new_spec(x=["1.5", "", "2"] * 20, word=["u", "v", ""] * 20, y=["a", "b"] * 30)
    missing = {"type": "impute", "strategy": "constant", "value": "missing"}
    after = [{"type": "standardize"}, {"type": "missing_indicator"}, fill]
    assert gaps["data"]["prepare"] == [missing, *after, {"type": "one_hot"}]
    wild = ["1.5", "inf", "2", "3"] * 15
    both = new_spec(wild=wild, x=["1.5", "", "2"] * 20, y=["a", "b"] * 30)
    finite = fill | {"infinite": True, "columns": ["wild"]}
    assert both["data"]["prepare"] == [finite, *after]


def test_a_column_of_many_categories_is_used_if_most_rows_have_a_frequent_one(
    new_spec, note, tmp_path
):
    """Half of the rows have one of 200 cities, the others one of their own."""
    cities = [f"city {at // 2 % 200}" if at % 2 else f"only {at}" for at in range(4000)]
    document = new_spec(city=cities, y=["a", "b", "b", "a"], rows=4000)
    grouped = document["data"]["prepare"][0]
    assert grouped == {"type": "group_rare", "min_count": 2}
    assert document["data"]["train"]["features"] == ["city"]
    assert note().startswith('column "city": 200 of its 2200 categories are frequent')


def with_calibration(text):
    """Return a spec with the calibration that was commented out."""
    before, after = text.split("# [calibration]")
    return f"{before}[calibration]{after.replace('# steps', 'steps')}"


@pytest.mark.parametrize("scale", ["values", "log"])
def test_intervals_can_be_added_on_the_scale_of_the_training(scale, new_spec, tmp_path):
    if "conformal" not in declnet.default_registry().types("calibrator"):
        pytest.skip("no calibrator is installed")
    new_spec(x=numbers(400), y=numbers(400) if scale == "values" else AMOUNTS, rows=400)
    path = tmp_path / "spec.toml"
    path.write_text(with_calibration(path.read_text("utf-8")), "utf-8")
    spec = declnet.load_spec(path, {"training.epochs": 1})
    assert [step.scale for step in spec.calibration.steps] == [scale]
    lower = declnet.run(spec).predict({"x": numbers(20)}).lower
    assert (lower.min() > 0) == (scale == "log")


AMOUNTS = np.exp(np.random.default_rng(0).normal(5, 1, 400)).round(2)


def test_the_logarithm_of_positive_and_skewed_numbers_is_learned(new_spec, note, tmp_path):
    document = new_spec(x=numbers(400), y=AMOUNTS, rows=400)
    assert document["data"]["prepare_targets"] == {"y": ["clamp", "log", "standardize"]}
    assert "bias_initializer" not in document["model"]["layers"][-1]
    assert "logarithm = true" in (tmp_path / "spec.toml").read_text("utf-8")
    assert note().startswith('the target "y" is positive and skewed, so the network learns its log')
    spec = declnet.load_spec(tmp_path / "spec.toml", {"training.epochs": 3})
    in_its_unit = declnet.run(spec).metrics["train"]["mean_absolute_error"]
    assert 0.3 * AMOUNTS.std() < in_its_unit < AMOUNTS.std()
    for others in (AMOUNTS - 400, np.log(AMOUNTS), -AMOUNTS, AMOUNTS - AMOUNTS.min()):
        document = new_spec(x=numbers(400), y=others, rows=400)
        assert document["data"]["prepare_targets"] == {"y": ["standardize"]}


MILD = (100 * np.exp(0.4 * np.random.default_rng(0).normal(size=400))).round(2)
COUNTS = np.random.default_rng(1).poisson(AMOUNTS / 10)


@pytest.mark.parametrize(
    ("y", "suggestion", "reason"),
    [
        (
            MILD,
            '# targets = [{ name = "y", logarithm = true }]',
            "positive and somewhat skewed",
        ),
        (
            COUNTS,
            '# targets = [{ name = "y", loss = "poisson" }]',
            'seems to hold counts: the loss "poisson" may suit',
        ),
    ],
)
def test_what_may_suit_the_target_is_suggested(y, suggestion, reason, new_spec, note, tmp_path):
    document = new_spec(x=numbers(400), y=y, rows=400)
    assert document["data"]["prepare_targets"] == {"y": ["standardize"]}
    assert document["loss"]["type"] == "mean_squared_error"
    assert suggestion in (tmp_path / "spec.toml").read_text("utf-8")
    assert reason in note()


ORDERED = {
    "words": (["medium", "Low", "very high", "HIGH"], ["Low", "medium", "HIGH", "very high"]),
    "sizes": (["S", "XL", "M"], ["S", "M", "XL"]),
    "answers": (
        ["agree", "strongly_disagree", "Neutral"],
        ["strongly_disagree", "Neutral", "agree"],
    ),
    "numbers": ([3, 1, 5, 2, 4], None),
}


@pytest.mark.parametrize("case", ORDERED)
@pytest.mark.parametrize("preset", ["table", "realmlp_td"])
def test_for_classes_with_an_order_ordinal_is_suggested(case, preset, new_spec, note, tmp_path):
    values, order = ORDERED[case]
    new_spec(x=numbers(), y=values * 20)
    assert note(preset).endswith("may suit them better, see targets in [preset]")
    text, document = (make(preset, table_profile(tmp_path)) for make in (spec_text, spec_document))
    assert document["loss"]["type"] == "categorical_crossentropy"
    lines = [line for line in text.splitlines() if not line.startswith("targets")]
    text = "\n".join(lines).replace("# class_order", "class_order").replace("# targets", "targets")
    (tmp_path / "spec.toml").write_text(text, "utf-8")
    spec = declnet.load_spec(tmp_path / "spec.toml")
    assert spec.loss.type == "ordinal"
    assert list(spec.data.class_order or ()) == (order or [])
    assert check_spec(spec).problems == ()


def test_rare_classes_are_reported_and_measured(new_spec, note, tmp_path):
    document = new_spec(x=numbers(), y=["no"] * 9 + ["late"])
    assert document["data"]["positive_class"] == "late"
    rates = ["binary_accuracy", "log_loss", "refined_log_loss", "roc_auc"]
    assert document["training"]["metrics"] == ["average_precision", "f1", *rates]
    steps = [TEMPERATURE, {"type": "threshold", "metric": "f1"}]
    assert document["calibration"] == {"steps": steps}
    assert '# the class "late" is rare, 10 % of' in (tmp_path / "spec.toml").read_text("utf-8")
    assert note().startswith('the class "late" is rare, 10 % of the rows: accuracy says little')
    document = new_spec(x=numbers(), y=["no"] * 9 + ["yes"], rows=200)  # the last one anyway
    assert "positive_class" not in document["data"]
    assert check_spec(declnet.load_spec(tmp_path / "spec.toml")).problems == ()
    document = new_spec(x=numbers(), y=["a"] * 5 + ["b"] * 4 + ["c"], rows=200)
    of_classes = ["accuracy", "log_loss", "refined_log_loss"]
    assert document["training"]["metrics"] == ["f1", "matthews", *of_classes]
    balanced = {("a", "a", "b"): rates, ("a", "b", "c", "d", "e", "f"): of_classes}
    for classes, metrics in balanced.items():
        document = new_spec(x=numbers(), y=classes)
        assert document["training"]["metrics"] == metrics
        assert document["calibration"] == {"steps": [TEMPERATURE]}


def test_rows_without_a_target_are_left_out(new_spec, tmp_path):
    document = new_spec(x=[1, 2, 3], y=["a", "", "b"])
    assert document["data"]["train"]["missing_target"] == "leave_out"
    assert "# 20 rows have no target" in (tmp_path / "spec.toml").read_text("utf-8")
    assert "missing_target" not in new_spec(x=[1, 2], y=["a", "b"])["data"]["train"]


def test_names_may_have_anything_in_them(new_spec):
    names = {'with "marks"': numbers(), "a # b": numbers(), "ünï\\\\": numbers()}
    columns = {name.replace('"', '""'): item for name, item in names.items()}
    document = new_spec(target="the target", **columns, **{"the target": ["a", "b"] * 30})
    assert document["data"]["train"]["features"] == list(names)
    assert document["data"]["train"]["target"] == "the target"


@pytest.mark.parametrize(
    ("columns", "task", "message"),
    [
        ({"x": [1, 2], "y": ["a", "a"]}, None, 'the target "y" has only one value'),
        ({"x": [1, 2, 3], "y": ["", "NA", ""]}, None, "is empty: all values are missing"),
        ({"y": ["a", "b"]}, None, "it has no other column"),
        ({"x": ["q", "q"], "y": ["a", "b"]}, None, '"x": always the same'),
        (
            {"x": numbers(), "y": [f"t{index}" for index in range(60)]},
            None,
            "60 classes in 60 rows",
        ),
        ({"x": [1, 2], "y": ["a", "b"]}, "regression", "is text, not a number"),
        ({"x": [1, 2], "y": [0.5, 1]}, "classification", "numbers that are not whole"),
    ],
)
def test_a_table_with_nothing_to_learn_is_refused(columns, task, message, new_spec):
    with pytest.raises(DataError) as raised:
        new_spec(task=task, **columns)
    assert message in str(raised.value)


def test_without_a_target_the_columns_are_named(flowers, declnet_cli, tmp_path):
    done = declnet_cli("new", "a.toml", "--data", str(flowers.table))
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no target column was given (add --target with one of "length"' in done.stderr
    assert not (tmp_path / "a.toml").exists()


SEVERAL = {
    "x": RNG.normal(size=200).round(3),
    "c": ["red", "blue", "green", "red", "green"],
    "is sold": ["no", "yes"],
    "grade": ["a", "b", "c"],
    "dense": RNG.normal(size=200).round(3),
    "price": np.exp(RNG.normal(3, 1.5, 200)).round(2),
}


@pytest.mark.parametrize("preset", ["table", "linear"])
@pytest.mark.parametrize("text", [False, True])
def test_several_targets_have_an_output_and_a_loss_each(tmp_path, written, preset, text):
    more = {"note": [f"the {n} word of a long text {n}" for n in range(200)]} if text else {}
    written(200, **SEVERAL, **more)
    table = table_profile(tmp_path, "is sold", "grade", "dense", "price")
    assert table.targets == {
        "is sold": "binary",
        "grade": "classes",
        "dense": "values",
        "price": "values",
    }
    assert [feature.name for feature in table.features] == ["x", "c", *(["note"] if text else [])]
    content = spec_text(preset, table)
    (tmp_path / "spec.toml").write_text(content, "utf-8")
    spec = declnet.load_spec(tmp_path / "spec.toml", {"training.epochs": 2})
    assert check_spec(spec).problems == ()
    document = spec_document(preset, table)
    assert document["model"]["outputs"] == ["is_sold", "grade", "target_dense", "price"]
    assert {name: item["type"] for name, item in document["losses"].items()} == {
        "is_sold": "binary_crossentropy",
        "grade": "categorical_crossentropy",
        "target_dense": "mean_squared_error",
        "price": "mean_squared_error",
    }
    assert "log" in document["data"]["prepare_targets"]["price"]
    result = declnet.run(spec).predict([{"x": 0.5, "c": "red", "note": "a long text"}])
    assert result["is_sold"].class_names == ("no", "yes")
    assert result["grade"].probabilities.shape == (1, 3)
    assert result["price"].prediction[0] > 0


def test_several_targets_are_split_by_the_one_with_the_rarest_class(tmp_path, written):
    written(80, x=numbers(80), grade=["a", "b", "c"], visits=[*[0, 1, 2] * 26, 3, 11])
    text = spec_text("table", table_profile(tmp_path, "grade", "visits"))
    (tmp_path / "spec.toml").write_text(text, "utf-8")
    for seed in range(3):
        spec = declnet.load_spec(tmp_path / "spec.toml", {"training.epochs": 1, "seed": seed})
        assert (spec.data.split.method, spec.data.split.column) == ("stratified", "visits")
        assert np.isfinite(declnet.run(spec).history[0]["loss"])


@pytest.mark.parametrize("count", [30, 200])
def test_a_table_of_many_columns_has_a_short_spec(count, tmp_path, written):
    """At most 40 lines, which `spec_text` asserts: long lists have long lines, not more of them."""
    kinds = [
        numbers(),
        ["red", "green", "blue", ""],
        ["1.5", "", "2"],
        ["2024-01-01", "2023-05-06"],
    ]
    columns = {f"a_column_{n}": kinds[n % 4 if count < 100 else 0] for n in range(count)}
    useless = {f"useless_{n}": ["x"] for n in range(9)}
    written(60, **columns, **useless, y=["no"] * 9 + ["late"], price=numbers())
    for targets in ("y",), ("price",), ("y", "price"):
        profile = table_profile(tmp_path, *targets)
        text = spec_text("table", profile)
        assert spec_document("table", profile)["data"]["train"]["features"][:30] == [*columns][:30]
        assert "more columns are left out" in text


def test_many_targets_share_few_lines(tmp_path, written):
    labels = [f"label {n}" for n in range(25)]
    written(100, x=numbers(100), **{name: ["yes", "no", "no"] for name in labels})
    profile = table_profile(tmp_path, *labels)
    assert spec_text("table", profile).startswith("# Predicts 25 columns.\n")
    assert len(spec_document("table", profile)["losses"]) == 25


def test_mlp_learns_more_of_a_real_table_than_the_network_of_scikit_learn(tmp_path, written):
    """On rows with gaps and a column of words; the test r2 of MLPRegressor is 0.28."""
    datasets = pytest.importorskip("sklearn.datasets", reason="needs the extra sklearn")
    data, rng = datasets.load_diabetes(), np.random.default_rng(0)
    columns = {
        name: [f"{value:g}" if filled else "" for value, filled in zip(column, there, strict=True)]
        for name, column, there in zip(
            data.feature_names, data.data.T, rng.random(data.data.T.shape) > 0.03, strict=True
        )
    }
    thirds = np.searchsorted(np.quantile(data.data[:, 0], [1 / 3, 2 / 3]), data.data[:, 0])
    columns["age"] = np.array(["low", "middle", "high"])[thirds].tolist()
    written(len(data.target), **columns, y=data.target.tolist())
    spec = tmp_path / "spec.toml"
    spec.write_text(spec_text("mlp", table_profile(tmp_path)), "utf-8")
    runs = [declnet.run(declnet.load_spec(spec, {"seed": seed})) for seed in range(2)]
    assert np.mean([run.metrics["test"]["r2"] for run in runs]) > 0.36


class Tried(MLP):
    """A preset with a search of some trials."""

    type = "tried"

    def document(self):
        return {**super().document(), "tune": {"trials": 3}}


class TriedTable(PresetTemplate):
    """Its template."""

    type = "tried"
    preset = Tried


def test_a_preset_may_search_without_minutes(written, tmp_path):
    written(x=RNG.normal(size=60).round(3), y=["yes", "no", "no"])
    text = TriedTable().spec_for_table(table_profile(tmp_path), declnet.default_registry())
    assert 'extends = "preset:tried"' in text
    assert "minutes" not in text
