"""Passes over a stream report progress only within `following`."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import check_spec, parse_spec
from declnet.data.passes import followed, following


def test_parts_are_reported_until_the_context_ends():
    events = []
    with following(events.append):
        assert list(followed(["ab", "c"], "reading", len, 3)) == ["ab", "c"]
    list(followed(["ab"], "reading", len))
    *progress, end = events
    assert [(event.task, event.samples, event.total) for event in progress] == [
        ("reading", 2, 3),
        ("reading", 3, 3),
    ]
    assert end is None


def test_a_failed_pass_reports_its_end():
    events = []
    with following(events.append), pytest.raises(ZeroDivisionError):
        list(followed((1 // n for n in (1, 0)), "reading", lambda _: 1))
    assert events[-1] is None


def test_passes_before_training_on_a_stream(tmp_path, document):
    pytest.importorskip("polars")
    x = np.random.default_rng(0).normal(size=(500, 2))
    lines = (f"{a},{b},{int(a > 0)}" for a, b in x)
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines, ""]))
    train = {"type": "csv", "path": str(tmp_path / "t.csv"), "target": "y"}
    document["data"] = {"train": train, "stream": True, "prepare": ["impute", "standardize"]}
    document["training"]["batch_size"] = 16
    events = []
    with following(events.append):
        assert check_spec(parse_spec(document)).errors == ()
    totals = {event.task: (event.samples, event.total) for event in events if event is not None}
    assert totals == {
        "finding the rows": (500, None),
        "surveying the train data": (500, 500),
        "fitting the preparation": (500, 500),
    }
