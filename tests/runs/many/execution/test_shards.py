"""Shards: each run in one of them, the same wherever it is, whatever else is trained."""

from __future__ import annotations

import tomllib

import pytest

from declnet import OutputError, parse_spec
from declnet.runs.many.execution.shards import Shard, begin_shard, shard_runs, spec_digest
from declnet.runs.many.execution.tasks import Task, tasks_of
from declnet.spec.model import resolved_toml

EXPECTED = "dc16bbf1452bb3be685c8d0d685bd764318359169b1515e29fbc5473d0a85ebe"


def shards_of(tasks, count):
    """Return the number of the shard of each task, by name, seed and fold."""
    found = {}
    for number in range(1, count + 1):
        for each in Shard(number, count).within(tasks):
            key = each.spec.name, each.spec.seed, each.spec.data.fold
            assert key not in found
            found[key] = number
    assert len(found) == len(tasks)
    return found


def test_the_shards_divide_the_runs_alike_whatever_others_there_are(document, tmp_path):
    one = parse_spec({**document, "name": "one"})
    two = parse_spec({**document, "name": "two", "optimizer": "adam"})
    folds = parse_spec({**document, "name": "folds", "data": {**document["data"], "folds": 3}})
    whole = shards_of(
        [
            *tasks_of(one, range(40), tmp_path),
            *tasks_of(two, range(40), tmp_path),
            *tasks_of(folds, range(9), tmp_path),
        ],
        4,
    )
    assert set(whole.values()) == {1, 2, 3, 4}
    assert [whole["one", seed, None] for seed in range(40)] != [
        whole["two", seed, None] for seed in range(40)
    ]
    assert len({whole["folds", 0, fold] for fold in (1, 2, 3)}) > 1
    renamed = one.model_copy(update={"name": "another", "seed": 7})
    alone = shards_of([Task(renamed, tmp_path)], 4)
    assert alone["another", 7, None] == whole["one", 7, None]


def test_the_hash_of_a_spec_is_this_one_everywhere(document, tmp_path):
    """A change of this hash would divide the runs of a sweep otherwise than before."""
    spec = parse_spec({**document, "seed": 3})
    assert spec_digest(spec) == EXPECTED
    again = parse_spec(tomllib.loads(resolved_toml(spec.model_copy(update={"name": "x"}))))
    assert spec_digest(again) == EXPECTED
    assert spec_digest(parse_spec({**document, "optimizer": "adam"})) != EXPECTED


def test_only_the_folder_of_one_shard_is_limited(document, tmp_path):
    tasks = tasks_of(parse_spec(document), range(12), tmp_path)
    assert shard_runs(tmp_path) is None
    begin_shard(tmp_path, Shard(1, 2), tasks)
    own = shard_runs(tmp_path)
    assert own == {each.directory for each in Shard(1, 2).within(tasks)}
    begin_shard(tmp_path, Shard(2, 2), tasks)
    assert shard_runs(tmp_path) is None
    (tmp_path / "shard-2-of-2.json").unlink()
    (tmp_path / "shard-1-of-2.json").write_text('{"shard": 1, "of": 2, "runs": 3}', "utf-8")
    with pytest.raises(OutputError, match=r'key "runs": must be a valid array'):
        shard_runs(tmp_path)
