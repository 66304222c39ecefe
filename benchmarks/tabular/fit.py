"""The measuring process: `python -m tabular.fit SET SPLIT METHOD RESULT.json [--quick]`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from measuring.machine import load, processor
from tabular.measures import measures_of
from tabular.methods import METHODS
from tabular.tasks import quick_task_of, task_of


def main(name: str, split: str, method: str, result: str, *options: str) -> None:
    """Fit a method to a task and write its record."""
    task = (quick_task_of if "--quick" in options else task_of)(name, int(split))
    chosen, before = METHODS[method], load()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # some libraries leave files in the current folder
        fit = chosen.prepare(task, Path(folder))
        start, start_of_processor = perf_counter(), _processor_time()
        predict = fit()
        seconds, processor_seconds = perf_counter() - start, _processor_time() - start_of_processor
        start = perf_counter()
        predicted = predict()
        predicting = perf_counter() - start
        os.chdir("/")
    record = {
        "set": name,
        "split": task.split,
        "method": method,
        **_rounded(measures_of(predicted, task.target("test"), len(task.data.classes))),
        "rarest": float(f"{task.data.rarest:.3g}"),
        "seconds": float(f"{seconds:.4g}"),
        "processor_seconds": float(f"{processor_seconds:.4g}"),
        "predict_seconds": float(f"{predicting:.4g}"),
        "rows": [len(rows) for rows in task.rows.values()],
        "data": task.fingerprint,
        "versions": chosen.versions(),
        "processor": processor(),
        "load": round(before, 1),
    }
    Path(result).write_text(json.dumps(record), encoding="utf-8")


def _processor_time() -> float:
    """Return the processor time of this process and of children that have ended."""
    return sum(os.times()[:4])


def _rounded(measures: dict[str, float]) -> dict[str, float]:
    """Return measures with six significant digits."""
    return {name: float(f"{value:.6g}") for name, value in measures.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
