"""What training a spec takes, about, given a sample of its data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.dataset import DataInfo
from declnet.contracts.data.table import Table
from declnet.data.streaming.fitting import WINDOW_NUMBERS
from declnet.graph.model import initialized_model
from declnet.graph.shapes import Network
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.partial import ParsedSpec
from declnet.spec.requirements import registry_for
from declnet.training.checks.check import check_spec
from declnet.training.choice import numpy_seconds
from declnet.training.memory import run_memory

PROCESS_BYTES = 250 * 2**20
"""Memory of a process before it trains: Python, NumPy, readers of tables and compiled kernels."""


@dataclass(frozen=True)
class TrainingCost:
    """What training takes on this machine, up to a factor of two or three.

    Attributes:
        seconds: the processor time of all epochs, without the passes over the data before them.
        epochs: the number of epochs, if nothing stops the training early.
        memory: bytes.
    """

    seconds: float
    epochs: int
    memory: int


def training_cost(
    spec: RunSpec, sample: Table, rows: int, registry: Registry | None = None
) -> TrainingCost | None:
    """Return what training a spec on a table takes; None if it does not suit the sample.

    Args:
        spec: the spec of one run.
        sample: rows of the table.
        rows: the number of rows of the whole table.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        ComponentError: a component raised.
    """
    registry = registry_for(spec.plugins, registry)
    checked = check_spec(spec, registry, {"train": sample}, suspects=False)
    if checked.errors or checked.network is None:
        return None
    share = rows / len(sample)
    held = {
        name: _held(info, share, spec, checked.network)
        for name, info in checked.data.items()
        if info.samples is not None
    }
    samples = round((checked.data["train"].samples or 0) * share)
    partial = ParsedSpec.of(spec).partial
    with attributing_errors(registry):
        memory = run_memory(partial, held, checked.network, registry) or {}
        groups = spec.optimizer.groups
        model = initialized_model(checked.network, spec.model, spec.seed, registry, groups)
        # kernels save as much as reading, validation and the final evaluation take, about
        seconds = numpy_seconds(spec, model, samples)
    return TrainingCost(
        seconds,
        spec.training.started_epochs(samples),
        PROCESS_BYTES + sum(memory.values()),
    )


def _held(info: DataInfo, share: float, spec: RunSpec, network: Network) -> DataInfo:
    """Return the description of a data set with as many samples as are in memory at a time."""
    samples = max(1, round((info.samples or 0) * share))
    if spec.data.stream is not None:
        numbers = sum(prod(input_.shape) for input_ in network.inputs.values())
        window = spec.data.stream.window or WINDOW_NUMBERS // max(1, numbers)
        samples = min(samples, 2 * max(1, window))
    return replace(info, samples=samples)
