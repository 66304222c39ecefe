"""Shards: each run is in exactly one, on every machine and whatever else is trained."""

from __future__ import annotations

import tomllib

import pytest

from declnet import OutputError, Task, parse_spec
from declnet.runs.many.beginning import tasks_of
from declnet.runs.many.shards import Shard, begin_shard, shard_runs, spec_digest
from declnet.spec.model import resolved_toml

EXPECTED = "dc16bbf1452bb3be685c8d0d685bd764318359169b1515e29fbc5473d0a85ebe"


def shards_of(specs, seeds, count):
    """Return the number of the shard of each run, by name, seed and fold."""
    tasks = [task for spec in specs for task in tasks_of(spec, seeds, point=spec.name)]
    named, shards = {parsed.name: parsed for parsed in specs}, {}
    for number in range(1, count + 1):
        for task in Shard(number, count).within(tasks, lambda task: named[task.point]):
            key = task.point, task.seed, task.fold
            assert key not in shards
            shards[key] = number
    assert len(shards) == len(tasks)
    return shards


def test_the_shard_of_a_run_does_not_depend_on_other_runs(document):
    one = parse_spec({**document, "name": "one"})
    two = parse_spec({**document, "name": "two", "optimizer": "adam"})
    folds = parse_spec({**document, "name": "folds", "data": {**document["data"], "folds": 3}})
    whole = shards_of([one, two, folds], range(40), 4)
    assert set(whole.values()) == {1, 2, 3, 4}
    assert [whole["one", seed, None] for seed in range(40)] != [
        whole["two", seed, None] for seed in range(40)
    ]
    assert len({whole["folds", 0, fold] for fold in (1, 2, 3)}) > 1
    renamed = one.model_copy(update={"name": "another"})
    alone = shards_of([renamed], [7], 4)
    assert alone["another", 7, None] == whole["one", 7, None]


def test_the_hash_of_a_spec_never_changes(document):
    """Another hash would divide the runs of a sweep differently."""
    spec = parse_spec({**document, "seed": 3})
    assert spec_digest(spec) == EXPECTED
    again = parse_spec(tomllib.loads(resolved_toml(spec.model_copy(update={"name": "x"}))))
    assert spec_digest(again) == EXPECTED
    assert spec_digest(parse_spec({**document, "optimizer": "adam"})) != EXPECTED


def test_only_the_folder_of_one_shard_is_limited(tmp_path):
    tasks = [Task(f"seed-{seed}", seed=seed) for seed in range(6)]
    assert shard_runs(tmp_path) is None
    begin_shard(tmp_path, Shard(1, 2), tasks[:4])
    assert shard_runs(tmp_path) == {task.folder for task in tasks[:4]}
    begin_shard(tmp_path, Shard(2, 2), tasks[4:])
    assert shard_runs(tmp_path) is None
    (tmp_path / "shard-2-of-2.json").unlink()
    (tmp_path / "shard-1-of-2.json").write_text('{"shard": 1, "of": 2, "runs": 3}', "utf-8")
    with pytest.raises(OutputError, match=r'key "runs": must be a valid array'):
        shard_runs(tmp_path)
