"""Predictions of a sample have the same bits in every batch."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import InputInfo, ModelSpec
from declnet.graph.arrays import GraphMemory, workspace_bytes
from declnet.graph.inference import inference_memory
from tests.documents import spec_document

DENSE = {"type": "dense", "units": 1}
PARTS = [(5, 6), (0, 2), (3, 8), (7, 23), (100, 133), (0, 1000), (1, 1025), (999, 2050), (0, 1040)]


def dense(*units):
    return [{"type": "dense", "units": count} for count in units]


MODELS = {
    "one unit, whose product is one of vectors": ([*dense(64), "tanh", *dense(64, 1)], (10,)),
    "few units of many inputs, for which BLAS has a kernel": (dense(10, 3), (1000,)),
    "products larger than a block of BLAS": ([*dense(300), "gelu", *dense(2)], (900,)),
    "steps": ([{"type": "gru", "units": 7}, *dense(2)], (6, 3)),
    "images": (
        [{"type": "conv2d", "filters": 3, "kernel_size": 3}, "relu", "flatten", DENSE],
        (1, 8, 8),
    ),
    "integers": ([{"type": "embedding", "units": 5}, "flatten", DENSE], (4,)),
}


def built(name, dtype):
    layers, shape = MODELS[name]
    spec = declnet.parse_spec(spec_document(layers, "mean_squared_error", dtype=dtype))
    integer = name == "integers"
    info = InputInfo(shape, "integer", levels=(9,) * 4, vocabulary=9) if integer else shape
    model = declnet.build_model(spec.model, {"": info} if integer else info)
    rng = np.random.default_rng(3)
    x = rng.integers(0, 9, (2100, 4)) if integer else rng.normal(size=(2100, *shape))
    return model, x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_a_sample_alone_and_among_others_has_the_same_bits(name, dtype):
    model, x = built(name, dtype)
    usual = model.predict(x)
    model.independent_rows = True
    whole = model.predict(x)
    np.testing.assert_allclose(whole, usual, rtol=1e-3, atol=1e-4)
    for start, end in PARTS:
        part = x[start:end]
        np.testing.assert_array_equal(model.predict(part), whole[start:end])
        backwards = np.asfortranarray(part[::-1])
        np.testing.assert_array_equal(model.predict(backwards), whole[start:end][::-1])
    assert len(model.predict(x[:0])) == 0


def test_plain_matrix_products_do_not_keep_the_bits():
    model, x = built("few units of many inputs, for which BLAS has a kernel", "float32")
    whole = model.predict(x)
    assert any((model.predict(x[start:end]) != whole[start:end]).any() for start, end in PARTS)


def test_the_estimate_for_a_forward_pass_matches_its_memory():
    layers = [*dense(40), "relu", *dense(30), "relu"]
    model = declnet.build_model(ModelSpec.model_validate({"layers": layers}, context={}), (9,))
    rngs = [np.random.default_rng(0)] * len(layers)
    memory = GraphMemory.of_forward(model.network, model.store, 64, rngs, total=1, step=1)
    allocated = sum(block.nbytes for block in memory.blocks)
    workspace = workspace_bytes(model.nodes, model.dtype, 64)
    forecast = inference_memory(model.network, model.dtype, 64, in_place=False)
    assert allocated <= forecast - workspace <= 1.05 * allocated
