"""The shape of a spec: names, folds, and specs written out again."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet import SpecError, parse_spec
from declnet.spec.model import fit_name, fold_specs, resolved_document, resolved_toml


@given(text=st.text(max_size=150))
@example(text=". .x")
def test_a_fitted_name_fits(text):
    name = fit_name(text)
    assert fit_name(name) == name
    assert 0 < len(name.encode()) <= 100
    assert not name.startswith(".")
    assert not set(name) & set("/\\\0\n")


@pytest.mark.parametrize("name", ["Läufe 2", "a-b.c", "漢" * 33])
def test_valid_names_stay_as_they_are(name, document):
    assert fit_name(name) == name
    assert parse_spec({**document, "name": name}).name == name


@pytest.mark.parametrize("name", ["a/b", "a\\b", ".hidden", "", " a", "a\n", "漢" * 34, "x" * 101])
def test_a_name_that_no_folder_can_have_is_refused(name, document):
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "name": name})
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == (("name",), "E014")
    assert "must be usable as a folder name" in problem.message


@pytest.mark.parametrize(
    ("changes", "key", "code", "message"),
    [
        ({"fold": 1}, "fold", "E017", "a fold needs the number of folds"),
        ({"folds": 3, "fold": 4}, "fold", "E013", "only 3 folds"),
        ({"folds": 3, "fold": 0}, "fold", "E013", "at least 1"),
        ({"folds": 1}, "folds", "E013", "at least 2"),
        ({"folds": 3, "validation": 0.2}, "validation", "E017", "remove this"),
        (
            {"folds": 3, "test": 0.2, "split": {"method": "column", "column": "site"}},
            "test",
            "E017",
            "test cannot be a fraction",
        ),
    ],
)
def test_keys_that_do_not_go_together(problems, document, changes, key, code, message):
    (problem,) = problems(document, {f"data.{name}": value for name, value in changes.items()})
    assert (problem.path, problem.code) == (("data", key), code)
    assert message in problem.message


def test_updates_of_an_epoch_leave_out_what_is_dropped(document):
    for drop, updates in ((True, 3), (False, 4)):
        training = {"epochs": 2, "batch_size": 8, "drop_last": drop}
        spec = parse_spec({**document, "training": training})
        assert (spec.training.epoch_updates(31), spec.training.updates(31)) == (
            updates,
            2 * updates,
        )


def test_without_batches_none_is_dropped(problems, document):
    (problem,) = problems(document, {"training.drop_last": True, "training.batch_size": None})
    assert (problem.path, problem.code) == (("training", "drop_last"), "E017")


def test_each_fold_is_a_spec_that_chooses_it(document):
    document["data"]["folds"] = 3
    spec = parse_spec(document)
    assert [each.data.fold for each in fold_specs(spec)] == [1, 2, 3]
    assert spec.data.fold is None
    chosen = fold_specs(spec)[1]
    assert fold_specs(chosen) == [chosen]


finite = st.floats(min_value=0, max_value=1e300, allow_nan=False)
counts = st.integers(min_value=1, max_value=10**6)
shares = st.floats(min_value=0, max_value=1, exclude_max=True)
words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="./\\"), min_size=1)


regularizers = st.just("l1_l2") | finite.map(lambda each: {"type": "l2", "strength": each})
initializers = st.just("zeros") | finite.map(lambda each: {"type": "constant", "value": each})
layers = st.sampled_from(["relu", "linear"]) | st.fixed_dictionaries(
    {"type": st.just("dense"), "units": counts},
    optional={
        "name": words,
        "inputs": st.lists(words, min_size=1, max_size=3),
        "weight_initializer": initializers,
        "bias_regularizer": regularizers,
    },
)
schedules = finite.map(lambda each: {"type": "inverse_time", "initial_rate": each, "decay": each})
optimizers = st.just("adagrad") | st.fixed_dictionaries(
    {"type": st.just("sgd")},
    optional={"learning_rate": finite | counts | schedules, "momentum": shares},
)
specs = st.fixed_dictionaries(
    {
        "model": st.fixed_dictionaries(
            {"layers": st.lists(layers, min_size=1, max_size=4)},
            optional={"dtype": st.sampled_from(["float32", "float64"]), "initial_weights": words},
        ),
        "loss": st.just("categorical_crossentropy"),
        "optimizer": optimizers,
        "training": st.fixed_dictionaries(
            {"epochs": counts},
            optional={"batch_size": counts, "shuffle": st.booleans(), "metrics": st.just(["r2"])},
        ),
    },
    optional={
        "name": words.map(lambda name: name[:20]),
        "seed": st.integers(min_value=0, max_value=2**53),
        "data": st.dictionaries(
            st.sampled_from(["train", "test", "validation"]),
            st.just("nnfs_sine") | words.map(lambda name: {"type": "npz", "path": f"{name}.npz"}),
        ),
    },
)


@given(document=specs)
def test_a_resolved_spec_is_an_equal_spec(document):
    spec = parse_spec(document)
    assert parse_spec(tomllib.loads(resolved_toml(spec))) == spec
    resolved = resolved_document(spec)
    assert resolved_document(parse_spec(resolved)) == resolved


def test_every_default_is_filled_in(document):
    resolved = resolved_document(parse_spec(document))
    assert resolved["declnet"] == 1
    assert resolved["optimizer"] == {
        "type": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.0,
        "nesterov": False,
        "decay": 0.0,
    }
    assert resolved["model"]["layers"][0] == {
        "type": "dense",
        "units": 4,
        "weight_initializer": {"type": "glorot_uniform"},
        "bias_initializer": {"type": "zeros"},
    }
    assert resolved["model"]["layers"][1] == {"type": "relu"}
    assert resolved["training"] == {
        "epochs": 3,
        "shuffle": True,
        "drop_last": False,
        "log_every": 1,
        "accumulate": 1,
        "metrics": [{"type": "accuracy"}],
        "callbacks": [],
    }
