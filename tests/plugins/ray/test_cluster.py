"""Several Ray nodes on this machine, one of which is killed: no run is lost or doubled."""

from __future__ import annotations

import json
import os
import time

import pytest

from declnet import EpochLogged, default_registry, parse_spec, run
from declnet.runs.many.execution.executors import on_executor
from declnet.runs.many.execution.tasks import Task, tasks_of

ray = pytest.importorskip("ray")
if not os.environ.get("DECLNET_TEST_RAY"):
    pytest.skip("starts a Ray cluster: DECLNET_TEST_RAY=1", allow_module_level=True)

from ray.cluster_utils import Cluster  # noqa: E402  # slow

from declnet_plugins.ray.executor import RayExecutor  # noqa: E402

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("default"),  # those of Ray
]
BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml")
STORE = 80 * 2**20
RUNS = 6


class Apart(RayExecutor):
    """A cluster whose nodes share no file system with this process."""

    type = "apart"

    def execute(self, tasks):
        return super().execute(map(self.moved, tasks))

    def moved(self, task: str) -> str:
        content = json.loads(task)
        files = {name: f"{content[name]}x" for name in ("marker", "stop_file") if content[name]}
        return json.dumps(content | files)


@pytest.fixture
def cluster(monkeypatch):
    """A head without processors, for this process, and two nodes with one each."""
    # one of them is missed after a second
    monkeypatch.setenv("RAY_health_check_initial_delay_ms", "1000")
    monkeypatch.setenv("RAY_health_check_period_ms", "500")
    monkeypatch.setenv("RAY_health_check_failure_threshold", "4")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster()
    made.add_node(num_cpus=0, object_store_memory=STORE, include_dashboard=False)
    try:
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def add_node(cluster):
    node = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.wait_for_nodes()
    return node


def bits(folder):
    return {each: (folder / each).read_bytes() for each in BITS}


@pytest.mark.parametrize("kind", [RayExecutor, Apart])
def test_a_node_is_killed_under_way(kind, cluster, document, tmp_path):
    document["training"] |= {
        "epochs": 15_000,  # seconds, so that the node has a run under way when it is killed
        "callbacks": [{"type": "checkpoint", "every_epochs": 200}],
    }
    spec = parse_spec(document)
    tasks = tasks_of(spec, range(RUNS), tmp_path / "all")
    doomed = add_node(cluster)
    add_node(cluster)
    found = []
    executor = kind(address=cluster.address)
    outcomes = on_executor(
        tasks, executor, tmp_path / "all", default_registry(), (), lambda *_: None
    )
    for outcome in outcomes:
        if not found:
            time.sleep(1)  # a run that has begun just now gets a checkpoint
            cluster.remove_node(doomed, allow_graceful=False)
        found.append(outcome)
    assert [each.error for each in found] == [None] * RUNS
    assert sorted(each.seed for each in found) == list(range(RUNS))
    assert {each.name for each in (tmp_path / "all").iterdir()} == {
        f"seed-{seed}" for seed in range(RUNS)
    }
    for task in tasks:
        alone = tmp_path / f"alone-{task.spec.seed}"
        run(task.spec, out=alone)
        assert bits(task.directory) == bits(alone)
    resumed = ["resumed" in (each.directory / "manifest.json").read_text("utf-8") for each in tasks]
    assert any(resumed) == (kind is RayExecutor)


@pytest.mark.parametrize("kind", [RayExecutor, Apart])
def test_runs_are_stopped_early_on_nodes(kind, cluster, document, tmp_path):
    """Each logs epochs for a long time unless it hears that the third one is its last."""
    document["training"]["epochs"] = 200_000
    spec = parse_spec(document)
    add_node(cluster)
    add_node(cluster)

    def stop_when(epoch: EpochLogged) -> str | None:
        return "behind" if epoch.epoch >= 3 else None

    tasks = [
        Task(each.spec, each.directory, stop_when=stop_when)
        for each in tasks_of(spec, range(4), tmp_path / "all")
    ]
    executor = kind(address=cluster.address)
    found = list(
        on_executor(tasks, executor, tmp_path / "all", default_registry(), (), lambda *_: None)
    )
    assert [(each.error, each.stopped) for each in found] == [(None, "behind")] * 4
    for each in found:
        rows = (each.directory / "history.jsonl").read_text("utf-8").splitlines()
        assert len(rows) < 200_000
