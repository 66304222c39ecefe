"""The folder of a sweep, without its runs."""

from __future__ import annotations

import pytest

from declnet import RunSummary, SeriesSummary, SweepSummary, Task
from declnet.runs.many.documents import SWEEP_SUMMARY
from declnet.runs.many.group_file import GroupFile, StoredSpec


@pytest.fixture
def write_sweep(tmp_path):
    """Return what writes a sweep of specs with the metrics of their runs, None of a failed one."""

    def write(metric, specs, values=None):
        tasks, series = [], []
        for name, metrics in specs.items():
            own = (values or {}).get(name, {})
            tasks.append(Task(f"{name}/seed-0", own, 0, point=name, name=name))
            runs = tuple(
                RunSummary(
                    seed=seed,
                    folder=f"seed-{seed}",
                    status="failed" if found is None else "finished",
                    error="DivergenceError" if found is None else None,
                    metrics=found or {},
                )
                for seed, found in enumerate(metrics)
            )
            spread = {"finished": len(runs), "metrics": {}, "gaps": {}, "seconds": None}
            series.append(SeriesSummary(name=name, seeds=(0,), runs=runs, values=own, **spread))
        specs = (StoredSpec(document={}, folder="/"),)
        GroupFile(kind="sweep", name="s", specs=specs, tasks=tuple(tasks)).write(tmp_path)
        summary = SweepSummary(metric=metric, jobs=1, specs=tuple(series))
        (tmp_path / "summary.json").write_bytes(SWEEP_SUMMARY.write(summary))
        return tmp_path

    return write
