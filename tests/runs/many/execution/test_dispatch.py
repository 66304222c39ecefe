from __future__ import annotations

from declnet import parse_spec
from declnet.runs.many.execution import dispatch
from declnet.runs.many.execution.dispatch import jobs_for
from declnet.runs.many.execution.tasks import tasks_of
from declnet.training.alongside import LIMITS, usable_cores


def test_as_many_runs_as_cores_at_once_and_no_more_than_tasks(document, tmp_path, monkeypatch):
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)
    tasks = tasks_of(parse_spec(document), range(100), tmp_path)
    assert jobs_for(tasks) == min(usable_cores(), 100)
    assert jobs_for(tasks, 7) == 7
    assert jobs_for(tasks[:3], 7) == 3
    assert jobs_for(tasks[:0]) == 1
    monkeypatch.setenv(LIMITS[0], "1")
    assert jobs_for(tasks) == 1
    monkeypatch.delenv(LIMITS[0])
    monkeypatch.setattr(dispatch, "usable_cores", lambda: 8)
    wide = parse_spec(document | {"engine": {"threads": 3}})
    assert jobs_for(tasks_of(wide, range(9), tmp_path)) == 2
