"""The shape of a spec: names, folds, and specs written out again."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet import parse_spec
from declnet.spec.model import fit_name, fold_specs, resolved_document, resolved_toml


@given(text=st.text(max_size=150))
@example(text=". .x")
def test_a_fitted_name_fits(text):
    name = fit_name(text)
    assert fit_name(name) == name
    assert 0 < len(name.encode()) <= 100
    assert not name.startswith(".")
    assert not set(name) & set("/\\\0\n")


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
