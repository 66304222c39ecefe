"""Where dense layers find that nothing nonlinear stands between them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from declnet import RunContext
from declnet_layers import Dense


def dense(units, **fields):
    return {"type": "dense", "units": units, **fields}


def found(context):
    return list(context.here.layer.check(context))


def test_two_dense_layers_are_one(outline_of):
    (finding,) = found(outline_of(dense(8), dense(3), here="dense_2"))
    assert finding.code == "W003"
    assert finding.message == (
        'nothing nonlinear stands between "dense_1" and "dense_2", so they are one linear layer'
    )
    assert "relu" in finding.help


@pytest.mark.parametrize(
    "between",
    [
        ["linear"],
        ["flatten"],
        [{"type": "reshape", "shape": [8]}],
        [{"type": "dropout", "rate": 0.1}],
        ["linear", {"type": "dropout", "rate": 0.1}, "flatten"],
    ],
)
def test_what_passes_its_input_on_does_not_part_them(between, outline_of):
    assert len(found(outline_of(dense(8), *between, dense(3), here="dense_2"))) == 1


@pytest.mark.parametrize("between", ["relu", "tanh", "softmax", "layer_norm", "batch_norm"])
def test_what_is_not_linear_parts_them(between, outline_of):
    assert found(outline_of(dense(8), between, dense(3), here="dense_2")) == []


def test_only_the_second_one_tells(outline_of):
    layers = (dense(8), dense(3), "softmax")
    assert found(outline_of(*layers, here="dense_1")) == []


def test_each_pair_of_three_is_told(outline_of):
    layers = (dense(8), dense(8), dense(3))
    counts = [len(found(outline_of(*layers, here=f"dense_{each}"))) for each in (1, 2, 3)]
    assert counts == [0, 1, 1]


@pytest.mark.parametrize(("units", "count"), [(2, 0), (3, 1), (4, 1)])
def test_a_narrow_first_layer_is_no_waste(units, count, outline_of):
    """Fewer units than inputs and outputs: a matrix of low rank, as of a linear autoencoder."""
    assert len(found(outline_of(dense(units), dense(3), here="dense_2"))) == count
    assert len(found(outline_of(dense(units), dense(9), input_shape=(3,), here="dense_2"))) == count


def test_a_join_parts_them(outline_of):
    join = {"type": "add", "inputs": ["dense_1", "dense_1"]}
    assert found(outline_of(dense(8), join, dense(3), here="dense_2")) == []


@pytest.mark.parametrize("between", [[], ["linear"]])
def test_an_output_that_others_read_too_parts_them(between, outline_of):
    join = {"type": "add", "inputs": ["dense_1", "dense_2"]}
    assert found(outline_of(dense(8), *between, dense(8), join, here="dense_2")) == []


def test_nothing_is_found_where_not_all_layers_are_known(outline_of):
    context = outline_of(dense(8), dense(3), here="dense_2")
    assert found(replace(context, layers=())) == []
    assert list(Dense(units=3).check(RunContext())) == []
