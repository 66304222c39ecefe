"""The measuring process: `python sample.py PEER TASK.json SAMPLE.json` takes one measurement.

It is started by `measure.py`, once for each measurement, with the thread variables set.
"""

import importlib
import os
import sys
from pathlib import Path

from peers import peer_named
from task import read_task, write_json


def main(peer_name: str, task_file: str, sample_file: str) -> None:
    """Measure one peer on one task and write the sample."""
    task = read_task(Path(task_file))
    if hasattr(os, "sched_setaffinity"):  # for peers that size their pools by the cores they see
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task.threads])
    module = importlib.import_module(peer_named(peer_name).module)
    write_json(module.measure(task), Path(sample_file))


if __name__ == "__main__":
    main(*sys.argv[1:])
