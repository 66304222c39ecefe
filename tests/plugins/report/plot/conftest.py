"""The folder of a sweep, whose runs are in its journal only."""

from __future__ import annotations

import pytest

from declnet import Outcome, Task, parse_spec
from declnet.runs.many.group_file import GroupFile, StoredSpec
from declnet.runs.many.journal import StoredJournal
from declnet.spec.model import resolved_document


@pytest.fixture
def write_sweep(document, tmp_path):
    """Return what writes a sweep of specs with the metrics of their runs, None of a failed one."""

    def write(metric, specs, values=None):
        base = StoredSpec.from_document(resolved_document(parse_spec(document)), tmp_path)
        tasks, outcomes = [], []
        for name, all_metrics in specs.items():
            changes = (values or {}).get(name, {})
            for seed, metrics in enumerate(all_metrics):
                folder = f"{name}/seed-{seed}"
                tasks.append(Task(folder, changes, seed, point=name, name=name))
                error = "DivergenceError" if metrics is None else None
                outcomes.append(Outcome(name, seed, tmp_path / folder, metrics or {}, 1.0, error))
        file = GroupFile(kind="sweep", name="s", specs=(base,), tasks=tuple(tasks), metric=metric)
        file.write(tmp_path)
        journal = StoredJournal(tmp_path, {task.folder: task for task in tasks}, writes=True)
        for task, outcome in zip(tasks, outcomes, strict=True):
            journal.ask(task)
            journal.end(task, outcome)
        return tmp_path

    return write
