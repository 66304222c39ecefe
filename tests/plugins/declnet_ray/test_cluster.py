"""Several Ray nodes on this machine, one of which is killed: no run is lost or doubled."""

from __future__ import annotations

import json
import os

import pytest

from declnet import default_registry, parse_spec, run
from declnet.runs.many.executing import on_executor
from declnet.runs.many.tasks import tasks_of

ray = pytest.importorskip("ray")
if not os.environ.get("DECLNET_TEST_RAY"):
    pytest.skip("starts a Ray cluster: DECLNET_TEST_RAY=1", allow_module_level=True)

from ray.cluster_utils import Cluster  # noqa: E402  # slow

from declnet_ray.executor import RayExecutor  # noqa: E402

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
        return json.dumps(content | {"marker": content["marker"] + "x"})


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
        "epochs": 3000,
        "callbacks": [{"type": "checkpoint", "every_epochs": 100}],
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
