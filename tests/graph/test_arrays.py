"""Tests of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Workspace
from declnet.graph.arrays import Workspaces, batch_view
from declnet.graph.shapes import infer_nodes
from declnet_plugins.standard.layers import Dense, ReLU


@pytest.mark.parametrize("shape", [(), (3,), (2, 4, 5)])
@pytest.mark.parametrize("n", [1, 4, 6])
def test_a_batch_has_its_axis_first_and_contiguous(shape, n):
    block = np.zeros(6 * int(np.prod(shape)))
    view = batch_view(block, shape, n)
    assert view.shape == (n, *shape)
    assert np.shares_memory(view, block)
    assert np.moveaxis(view, 0, -1).flags.c_contiguous


def buffers_of(nodes, dtype, n):
    """The workspaces of each layer for n samples, of a graph for five."""
    workspaces = Workspaces(nodes, 5, np.dtype(dtype), ["batch_last"] * len(nodes))
    return [workspaces.views(node, n) for node in nodes]


def test_a_buffer_that_is_not_per_sample_has_its_whole_shape():
    (node,) = infer_nodes((ReLU(),), (2,))
    node.workspace["table"] = Workspace((2, 7), dtype="int32", per_sample=False, fill=3)
    node.workspace["row"] = Workspace((7,), per_sample=False, fill=3, constant=True)
    views = buffers_of([node], float, 2)[0]
    table = views["table"]
    assert (table.shape, table.dtype, set(table.flat)) == ((2, 7), np.dtype("int32"), {3})
    assert views["row"].tolist() == [3.0] * 7


def test_constants_are_shared_and_cannot_be_written_to():
    nodes = infer_nodes((Dense(units=3), ReLU(), Dense(units=40), ReLU()), (2,))
    _, narrow, _, wide = buffers_of(nodes, "float32", 4)
    assert narrow["zeros"].shape == (4, 3)
    assert wide["zeros"].shape == (4, 40)
    assert np.shares_memory(narrow["zeros"], wide["zeros"])
    with pytest.raises(ValueError, match="read-only"):
        wide["zeros"][...] = 1
    with pytest.raises(ValueError, match="fill"):
        Workspace((2,), constant=True)
