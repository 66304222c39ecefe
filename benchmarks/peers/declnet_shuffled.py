"""declnet as it trains by default: mini-batches shuffled every epoch."""

from peers.declnet_run import measure as measure_run
from task import Sample, Task


def measure(task: Task) -> Sample:
    """Time the command line with `shuffle = true`."""
    return measure_run(task, shuffle=True)
