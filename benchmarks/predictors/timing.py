"""The timing of peers that predict."""

from collections.abc import Callable
from itertools import cycle
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring.memory import megabytes
from measuring.task import Sample, Task
from works.data import Samples, read_data, read_weights
from works.numpy_network import probabilities

Predict = Callable[[Samples], NDArray[Any]]  # from samples in NumPy to probabilities in NumPy
WARM_UP = 20


def time_predictor(predict: Predict, task: Task, imported: float) -> Sample:
    """Return the median time of calls over the task's seconds; the loss is the worst error."""
    x, _ = read_data(task.path)
    batch = task.work.batch
    batches = [x[at : at + batch] for at in range(0, len(x), batch)]
    for _ in range(WARM_UP):
        predict(batches[0])
    times: list[float] = []
    began = perf_counter()
    for part in cycle(batches):
        start = perf_counter()
        predict(part)
        end = perf_counter()
        times.append(end - start)
        if end - began >= task.seconds and len(times) >= len(batches):
            break
    peak = megabytes("VmHWM")
    expected = probabilities(task.work, read_weights(task.path), batches[0])
    error = float(np.abs(np.asarray(predict(batches[0])) - expected).max())
    return Sample(1e6 * median(times), error, imported, peak)
