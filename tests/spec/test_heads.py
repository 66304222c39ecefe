"""`[losses]`: reserved keys, errors, and targets."""

from __future__ import annotations

import tomllib

import pytest

from declnet import SpecError, parse_spec
from declnet.spec.heads import PartialHead
from declnet.spec.model import resolved_toml
from declnet_plugins.standard.losses.regression import Huber


@pytest.fixture
def two() -> dict:
    return {
        "model": {
            "outputs": ["price", "sold"],
            "layers": [
                {"type": "dense", "units": 1, "name": "price"},
                {"type": "sigmoid", "name": "sold"},
            ],
        },
        "losses": {
            "price": {"type": "huber", "delta": 0.5, "metrics": ["r2"]},
            "sold": {"type": "binary_crossentropy", "weight": 0.5, "target": "is_sold"},
        },
        "optimizer": "adam",
        "training": {"epochs": 1},
    }


def test_reserved_keys_belong_to_the_head_and_all_others_to_the_loss(two):
    spec = parse_spec(two)
    price, sold = spec.heads
    assert (price.loss, price.output, price.target, price.weight) == (
        Huber(delta=0.5),
        "price",
        "",
        1,
    )
    assert (sold.output, sold.target, sold.weight) == ("sold", "is_sold", 0.5)
    assert [price.label(metric.label) for metric in price.metrics.values()] == ["price_r2"]
    again = parse_spec(tomllib.loads(resolved_toml(spec)))
    assert again == spec
    assert again.heads == spec.heads
    short = {**two, "losses": {"price": Huber(delta=0.5), "sold": "binary_crossentropy"}}
    assert parse_spec(short).heads[0].loss == price.loss


@pytest.mark.parametrize(
    ("losses", "path", "code", "message"),
    [
        ({}, (), "E018", "at least 1 item"),
        ({"a": {"weight": 1}}, ("a", "type"), "E011", "is missing"),
        ({"a": "hubr"}, ("a", "type"), "E015", '"hubr"'),
        ({"a": {"type": "huber", "weight": -1}}, ("a", "weight"), "E013", ""),
        ({"a b": "huber"}, ("a b",), "E014", "cannot name a loss"),
        ({"a": {"type": "huber", "metrics": ["r2", "r2"]}}, ("a", "metrics", 1), "E019", '"a_r2"'),
    ],
)
def test_errors_are_located(two, losses, path, code, message):
    with pytest.raises(SpecError) as caught:
        parse_spec({**two, "losses": losses})
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == (("losses", *path), code)
    assert message in problem.message


@pytest.mark.parametrize(
    ("head", "target", "names", "expected"),
    [
        ("", "", ["price", "sold"], None),
        ("price", "prise", [""], None),
        ("price", "sold", ["price", "sold"], "sold"),
    ],
)
def test_the_target_of_a_head(head, target, names, expected):
    assert PartialHead(head, None, target=target).target_among(names) == expected
