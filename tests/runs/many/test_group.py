"""The folder of a group: complete from its first file on, whatever is lost of the others."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import pytest

from declnet import OutputError, is_group, open_group, parse_spec, run, sweep
from declnet.contracts.strict_model import LocatedString
from declnet.runs.many.group_file import GroupFile
from declnet.runs.many.journal import plain, restored


@pytest.fixture
def begun(document, tmp_path):
    """The folder of three runs of a spec, of which nothing has been trained."""
    document["training"]["epochs"] = 2
    spec = parse_spec(document)
    folder = tmp_path / "out"
    run(spec, out=folder, seeds=[3, 4, 5])
    for name in ("journal.jsonl", "summary.json", "seed-4/manifest.json", "seed-5/manifest.json"):
        (folder / name).unlink()
    return folder


def test_outcomes_are_read_from_the_folders(begun):
    manifest = json.loads((begun / "seed-3/manifest.json").read_text("utf-8"))
    manifest |= {"status": "running", "seed": 4}
    (begun / "seed-4/manifest.json").write_text(json.dumps(manifest), "utf-8")
    group = open_group(begun)
    metrics = json.loads((begun / "seed-3/metrics.json").read_text("utf-8"))
    outcomes = group.outcomes()
    assert (outcomes[0].metrics, outcomes[0].error) == (metrics, None)
    assert [outcome.error for outcome in outcomes[1:]] == [
        "it has not finished (running)",
        "it has not begun",
    ]
    assert not math.isnan(metrics["train"]["loss"])
    (begun / "seed-3/metrics.json").write_text("{}", "utf-8")
    assert "metrics.json" in group.outcomes()[0].error


def test_a_point_of_a_sweep_is_a_group_also_without_a_file(document, tmp_path):
    document["training"]["epochs"] = 1
    document["data"]["folds"] = 2
    document["sweep"] = {"optimizer.learning_rate": [0.1, 0.5], "seed": [3, 4]}
    swept = sweep(document, out=tmp_path / "swept")
    point = tmp_path / "swept" / swept.best.name
    (point / "group.json").rename(tmp_path / "group.json")
    group, written = open_group(point), GroupFile.read(tmp_path)
    assert group.file == written
    assert group.evaluate().samples == open_group(point).out_of_fold().prediction.size
    assert not is_group(tmp_path / "swept" / "other")
    assert not is_group(point / "seed-3" / "fold-1")
    with pytest.raises(OutputError, match=r"of several specs; name one, e.g. .*swept/small-"):
        swept.predictor()


SPEC = {"document": {}, "folder": "/"}
WHOLE = {"kind": "seeds", "name": "a", "specs": [SPEC], "tasks": [{"folder": "seed-0", "seed": 0}]}


@pytest.mark.parametrize(
    "change",
    [
        {"specs": []},
        {"tasks": []},
        {"specs": [3]},
        {"tasks": [{"folder": "../a"}]},
        {"tasks": [{"folder": "a", "point": "/a"}]},
        {"tasks": [{"folder": "a", "seed": "1"}]},
        {"kind": "many"},
        {"other": 1},
        {"format": 2},
    ],
    ids=str,
)
def test_a_malformed_file_is_refused(change, tmp_path):
    (tmp_path / "group.json").write_text(json.dumps(WHOLE | change), "utf-8")
    with pytest.raises(OutputError, match=r"group\.json"):
        open_group(tmp_path)
    (tmp_path / "group.json").write_text(json.dumps(WHOLE), "utf-8")
    assert open_group(tmp_path).tasks[0].seed == 0
    (tmp_path / "group.json").write_text("[", "utf-8")
    with pytest.raises(OutputError, match="cannot be read"):
        open_group(tmp_path)


def test_values_of_a_spec_keep_what_json_lacks():
    located = LocatedString("data.csv", Path("/elsewhere"))
    day = dt.date(2026, 1, 2)
    moment = dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)
    value = {"a": [located, math.inf, -math.inf, day], "b": {"c": moment, "d": None, "e": True}}
    read = restored(json.loads(json.dumps(plain(value), allow_nan=False)))
    assert read == value
    assert read["a"][0].folder == located.folder
    assert math.isnan(restored(plain([math.nan]))[0])
