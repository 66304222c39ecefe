"""Parts of a step that run without Python."""

from __future__ import annotations

import pytest

from declnet import default_registry, parse_spec
from declnet.runs.engine_parts import report_engine
from tests.documents import spec_document

DOCUMENT = spec_document(
    [
        {"type": "dense", "units": 40, "weight_regularizer": {"type": "l2", "strength": 0.01}},
        "relu",
        {"type": "dropout", "rate": 0.1},
        "prelu",
        {"type": "dense", "units": 3},
        "softmax",
    ],
    data={"train": {"type": "nnfs_spiral", "samples": 20, "classes": 3}},
    training={"epochs": 1, "batch_size": 30},
)


def test_each_part_names_its_engine():
    pytest.importorskip("numba", reason="the extra jit is not installed")
    report = report_engine(parse_spec(DOCUMENT), default_registry())
    assert (report.choice.kernels, report.choice.decided_by) == ("numpy", "estimate")
    parts = {part.name: part for part in report.parts}
    assert parts["dense_1 + relu_1"].runs == "compiled"
    assert parts["prelu_1"].runs == "recorded"
    assert parts["softmax_1 + loss"].runs == "recorded"
    assert {"regularizers", "optimizer"} < set(parts)
    for part in parts.values():
        assert bool(part.reasons) == (part.runs == "in Python")
