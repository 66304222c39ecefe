"""Tests of workspaces."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Workspace
from declnet.graph.arrays import Workspaces
from declnet.graph.shapes import infer_network
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.dense import Dense


def buffers_of(nodes, dtype, n):
    """Return each layer's workspaces for n samples in a graph for five."""
    workspaces = Workspaces(nodes, 5, np.dtype(dtype), ["batch_last"] * len(nodes))
    return [workspaces.views(node, n) for node in nodes]


def test_constants_are_shared_and_cannot_be_written_to():
    nodes = infer_network((Dense(units=3), ReLU(), Dense(units=40), ReLU()), (2,)).nodes
    _, narrow, _, wide = buffers_of(nodes, "float32", 4)
    assert narrow["zeros"].shape == (4, 3)
    assert wide["zeros"].shape == (4, 40)
    assert np.shares_memory(narrow["zeros"], wide["zeros"])
    with pytest.raises(ValueError, match="read-only"):
        wide["zeros"][...] = 1
    with pytest.raises(ValueError, match="fill"):
        Workspace((2,), constant=True)
