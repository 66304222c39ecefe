"""Several Ray nodes on this machine, one of which is killed: no run is lost or doubled."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from declnet import EpochLogged, default_registry, parse_spec, run
from declnet.runs.many.beginning import series_file
from declnet.runs.many.group import Group
from declnet.runs.many.training import Training

ray = pytest.importorskip("ray")
if not os.environ.get("DECLNET_TEST_RAY"):
    pytest.skip("starts a Ray cluster: DECLNET_TEST_RAY=1", allow_module_level=True)

from ray.cluster_utils import Cluster  # noqa: E402  # slow

from declnet_plugins.ray.executor import RayExecutor  # noqa: E402

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("default"),  # warnings of Ray itself
]
BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")
STORE = 80 * 2**20
RUNS = 6


class Apart(RayExecutor):
    """A cluster whose nodes share no file system with this process."""

    type = "apart"

    def execute(self, tasks):
        return super().execute(map(self.moved, tasks))

    def moved(self, task):
        content = json.loads(task.text)
        files = {name: f"{content[name]}x" for name in ("marker", "stop_file") if content[name]}
        return SimpleNamespace(text=json.dumps(content | files))


@pytest.fixture
def cluster(monkeypatch):
    """A head without processors, for this process, and two nodes with one each."""
    # one of them is missed after a second
    monkeypatch.setenv("RAY_health_check_initial_delay_ms", "1000")
    monkeypatch.setenv("RAY_health_check_period_ms", "500")
    monkeypatch.setenv("RAY_health_check_failure_threshold", "4")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    created = Cluster()
    created.add_node(num_cpus=0, object_store_memory=STORE, include_dashboard=False)
    try:
        yield created
    finally:
        ray.shutdown()
        created.shutdown()


def add_node(cluster):
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.wait_for_nodes()
    return node


def training_of(spec, seeds, parent, kind=Training):
    parent.mkdir()
    return kind(Group(parent, series_file(spec, list(seeds))[0], default_registry()))


def bits(folder):
    return {bit: (folder / bit).read_bytes() for bit in BITS}


@pytest.mark.parametrize("kind", [RayExecutor, Apart])
def test_a_node_is_killed_under_way(kind, cluster, document, tmp_path):
    document["training"] |= {
        "epochs": 15_000,  # seconds, so that the node has a run under way when it is killed
        "callbacks": [{"type": "checkpoint", "every_epochs": 200}],
    }
    spec = parse_spec(document)
    training = training_of(spec, range(RUNS), tmp_path / "all")
    doomed = add_node(cluster)
    add_node(cluster)
    result = []
    executor = kind(address=cluster.address)

    def ended(outcome):
        if not result:
            time.sleep(1)  # a run that has begun just now gets a checkpoint
            cluster.remove_node(doomed, allow_graceful=False)
        result.append(outcome)

    training.ended = ended
    training.train(executor)
    assert [outcome.error for outcome in result] == [None] * RUNS
    assert sorted(outcome.seed for outcome in result) == list(range(RUNS))
    assert not [path for path in (tmp_path / "all").iterdir() if path.name.startswith(".")]
    for outcome in result:
        alone = tmp_path / f"alone-{outcome.seed}"
        run(spec.model_copy(update={"seed": outcome.seed}), out=alone)
        assert bits(outcome.directory) == bits(alone)
    resumed = [
        "resumed" in (outcome.directory / "manifest.json").read_text("utf-8") for outcome in result
    ]
    assert any(resumed) == (kind is RayExecutor)


@pytest.mark.parametrize("kind", [RayExecutor, Apart])
def test_runs_are_stopped_early_on_nodes(kind, cluster, document, tmp_path):
    """Each run would log epochs for a long time if it were not stopped after the third one."""
    document["training"]["epochs"] = 200_000
    spec = parse_spec(document)
    add_node(cluster)
    add_node(cluster)

    def stop_when(epoch: EpochLogged) -> str | None:
        return "behind" if epoch.epoch >= 3 else None

    class Stopping(Training):
        def _run_of(self, task, marker):
            return replace(super()._run_of(task, marker), stop_when=stop_when)

    training = training_of(spec, range(4), tmp_path / "all", Stopping)
    training.train(kind(address=cluster.address))
    result = training.outcomes()
    assert [(outcome.error, outcome.stopped) for outcome in result] == [(None, "behind")] * 4
    for outcome in result:
        rows = (outcome.directory / "history.jsonl").read_text("utf-8").splitlines()
        assert len(rows) < 200_000
