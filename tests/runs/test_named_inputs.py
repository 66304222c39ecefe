"""Runs with named inputs, from files and arrays to predictions, resuming and folds."""

from __future__ import annotations

import json

import numpy as np
import pytest

import declnet
from declnet import DataError, Dataset, OutputError, SpecError
from tests.documents import spec_document

N = 90


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A table with numbers and categories that its target depends on."""
    rng = np.random.default_rng(3)
    cities = rng.choice(["Bonn", "Oslo", "Rome"], N)
    jobs = rng.choice(["cook", "nurse"], N)
    age, income = rng.normal(40, 9, N).round(1), rng.integers(900, 4000, N)
    score = age / 9 + (cities == "Rome") * 2 + (jobs == "cook") + rng.normal(0, 0.1, N)
    weight = rng.uniform(0.5, 2, N).round(3)
    path = tmp_path_factory.mktemp("people") / "people.csv"
    rows = zip(age, cities, income, jobs, weight, score, strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(["age,city,income,job,weight,score", *lines]))
    return path


INPUTS = {"numbers": ["income", "age"], "categories": ["city", "job"]}

LAYERS = [
    {"type": "embedding", "name": "own", "units": 3, "inputs": ["input.categories"]},
    "flatten",
    {"type": "concatenate", "inputs": ["input.numbers", "flatten_1"]},
    {"type": "dense", "units": 8},
    "relu",
    {"type": "dense", "units": 1},
]


def spec_of(people, inputs=INPUTS, layers=LAYERS, training=None, prepare=None, **data):
    train = {"type": "csv", "path": str(people), "target": "score"}
    return declnet.parse_spec(
        spec_document(
            layers,
            "mean_squared_error",
            {"type": "adam", "learning_rate": 0.03},
            data={
                "train": train | ({} if "sample_weights" in data else {"features": FEATURES}),
                "test": 0.2,
                "inputs": inputs,
                "prepare": prepare or ["standardize", "ordinal"],
                **data,
            },
            training={"epochs": 30, "batch_size": 16, "log_every": 10, **(training or {})},
        )
    )


FEATURES = ["age", "city", "income", "job"]


@pytest.fixture(scope="module")
def finished(people, tmp_path_factory):
    return declnet.run(spec_of(people), out=tmp_path_factory.mktemp("runs") / "run")


def test_a_table_and_its_file_give_the_same_predictions(finished, people):
    predictor = declnet.load_predictor(finished.directory)
    assert predictor.features == tuple(FEATURES)
    lines = [line.split(",") for line in people.read_text().splitlines()]
    columns = {name: [row[at] for row in lines[1:]] for at, name in enumerate(lines[0])}
    table = {name: columns[name] for name in ("city", "job")} | {
        name: [float(cell) for cell in columns[name]] for name in ("income", "age")
    }
    from_table = predictor.predict(table)
    (from_file,) = predictor.predict_parts(people)
    assert np.array_equal(from_table.outputs, from_file.outputs)
    assert np.array_equal(finished.predict(table).outputs, from_file.outputs)
    whole = predictor.evaluate(people)
    error = from_table.outputs[:, 0] - [float(cell) for cell in columns["score"]]
    assert whole.metrics["loss"] == pytest.approx(float(np.mean(error**2)), rel=1e-4)
    prepared = predictor.member.prepared(declnet.as_table(table))
    assert np.array_equal(predictor.model.predict(prepared), from_file.outputs)


def test_the_folder_describes_the_inputs(finished):
    stored = declnet.open_run(finished.directory)
    assert stored.manifest.written()["inputs"] == [
        {"name": "numbers", "shape": [2], "dtype": "float"},
        {"name": "categories", "shape": [2], "dtype": "integer", "levels": [3, 2]},
    ]
    assert stored.inputs == finished.model.inputs
    assert stored.summary()[0].inputs == ("input.categories",)
    assert all(data_set.unchanged for data_set in stored.data_sets.values())
    predictions = stored.predictions("test", np.arange(3))
    assert {name: x.shape for name, x in predictions.x.items()} == {
        "numbers": (3, 2),
        "categories": (3, 2),
    }
    assert stored.evaluate("test").metrics["loss"] == pytest.approx(
        finished.metrics["test"]["loss"]
    )
    assert set(stored.gradients(np.arange(5))) == set(finished.model.parameters())
    with pytest.raises(OutputError, match="the model has the inputs numbers, categories"):
        stored.input_shape  # noqa: B018


def arrays(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = {"sound": rng.normal(size=(n, 6)).astype("float32"), "word": rng.integers(0, 5, (n, 3))}
    return x, (x["sound"].sum(axis=1) + (x["word"] == 2).sum(axis=1) > 1).astype(int)


def array_spec(**data):
    layers = [
        {"type": "embedding", "categories": 5, "units": 2, "inputs": ["input.word"]},
        "flatten",
        {"type": "concatenate", "inputs": ["flatten_1", "input.sound"]},
        {"type": "dense", "units": 2},
        "softmax",
    ]
    return declnet.parse_spec(
        spec_document(
            layers,
            optimizer={"type": "adam", "learning_rate": 0.05},
            data=data,
            training={"epochs": 10, "batch_size": 7, "log_every": 5},
        )
    )


def test_a_program_and_an_archive_give_the_same_run(tmp_path):
    x, y = arrays()
    np.savez(tmp_path / "all.npz", **x, y=y)
    trained = declnet.run(array_spec(), {"train": (x, y), "test": (x, y)}, tmp_path / "given")
    train = {"type": "npz", "path": str(tmp_path / "all.npz"), "inputs": ["sound", "word"]}
    read = declnet.run(array_spec(train=train, test=train), out=tmp_path / "read")
    for key, weights in trained.model.parameters().items():
        assert np.array_equal(weights, read.model.parameters()[key])
    hashes = [
        json.loads((tmp_path / name / "manifest.json").read_text())["data"]
        for name in ("given", "read")
    ]
    assert hashes[0] == hashes[1]
    predictor = declnet.load_predictor(tmp_path / "read")
    expected = trained.predict(x)
    assert np.array_equal(predictor.predict(x).outputs, expected.outputs)
    (part,) = predictor.predict_parts(tmp_path / "all.npz")
    assert np.array_equal(part.outputs, expected.outputs)
    assert predictor.evaluate(tmp_path / "all.npz").metrics == pytest.approx(read.metrics["test"])
    assert predictor.evaluate((x, y)).metrics == pytest.approx(read.metrics["test"])
    same = declnet.run(array_spec(), Dataset(x, y))
    assert np.array_equal(same.model.predict(x), trained.model.predict(x))


def test_an_archive_that_does_not_fit_is_refused_in_an_evaluation(tmp_path):
    """Training refuses them when it compares the data; an evaluation, before it prepares them."""
    x, y = arrays()
    np.savez(tmp_path / "all.npz", **x, y=y)
    train = {"type": "npz", "path": str(tmp_path / "all.npz"), "inputs": ["sound", "word"]}
    prepare = [{"type": "standardize", "columns": ["sound"]}]
    result = declnet.run(array_spec(train=train, prepare=prepare))
    path = tmp_path / "other.npz"
    for wrong, message in (
        ({"word": x["word"][:9]}, "word has 9 samples, but y has 40"),
        ({"y": y[:9]}, "sound has 40 samples, but y has 9"),
        ({"y": np.tile(y, 2)}, "sound has 40 samples, but y has 80"),
        ({"sound": np.float64(3)}, "sound is a single number; its first axis is samples"),
        ({"sound": x["sound"].astype("U8")}, "sound must be numbers, not <U8"),
        ({"sound": x["sound"][:, :1]}, '"sound" must have shape (n, 6), not (40, 1)'),
        ({"word": x["word"] + 0.5}, 'sample 1, "word" is 2.5, but "embedding_1" takes'),
    ):
        np.savez(path, **(x | {"y": y} | wrong))
        with pytest.raises(DataError) as raised:
            result.predictor.evaluate(path)
        assert str(raised.value).startswith(str(path))
        assert message in str(raised.value)


def test_an_image_is_augmented_among_other_inputs():
    rng = np.random.default_rng(0)
    x = {"image": rng.uniform(size=(30, 1, 6, 6)), "size": rng.normal(size=(30, 2))}
    layers = [
        {"type": "flatten", "inputs": ["input.image"]},
        {"type": "concatenate", "inputs": ["flatten_1", "input.size"]},
        {"type": "dense", "units": 1},
    ]
    document = spec_document(layers, "mean_squared_error", training={"epochs": 2, "batch_size": 10})

    def history(*prepare):
        return declnet.run(document | {"data": {"prepare": prepare}}, (x, np.zeros(30))).history

    augment = {"type": "augment", "shift": 1}
    assert history(augment) == history(augment) != history()
    with pytest.raises(SpecError, match='there is no input "img"'):
        history({**augment, "columns": ["img"]})
