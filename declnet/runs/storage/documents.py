"""The JSON files of a run's folder: what each holds, and how it is read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from declnet.contracts.network.directions import Better
from declnet.contracts.network.inputs import UNNAMED, InputInfo
from declnet.contracts.serialization import Number, Omitted
from declnet.runs.storage.folder import MANIFEST, METRICS, read_json, reading
from declnet.stored import Stored

Metrics = dict[str, dict[str, float | None]]
"""Metrics by data set and name; None if a metric is not a number."""


@dataclass(frozen=True)
class StoredInput:
    """An input of the model: its name, empty if it has none, and the fields of `InputInfo`."""

    name: Omitted[str] = UNNAMED
    shape: tuple[int, ...] = field(kw_only=True)
    dtype: Literal["float", "integer"] = field(kw_only=True)
    levels: Omitted[tuple[int, ...] | None] = None
    vocabulary: Omitted[int | None] = None
    optional: Omitted[bool] = False

    @property
    def info(self) -> InputInfo:
        """The description without the name."""
        return InputInfo(self.shape, self.dtype, self.levels, self.vocabulary, self.optional)


@dataclass(frozen=True)
class UsedData:
    """A data set that a run used: how many samples it has, and their hash."""

    samples: int
    hash: str


@dataclass(frozen=True)
class Baseline:
    """The metrics of a simple prediction, which a useful model must beat.

    Attributes:
        prediction: a description, e.g. `always "no"`: the most frequent class of the data, or
            the mean; of a reference, its description in the data.
        metrics: by name; without those that such predictions do not have.
        others: what it predicts for metrics for which something else is better, by their names.
    """

    prediction: str
    metrics: dict[str, Number]
    others: Omitted[dict[str, str]] = field(default_factory=dict)

    def prediction_for(self, metric: str) -> str:
        """Return what it predicts for a metric."""
        return self.others.get(metric, self.prediction)

    @property
    def title(self) -> str:
        """Its predictions in a few words, as the heading of its metrics."""
        return "best constant prediction" if self.others else self.prediction


@dataclass(frozen=True)
class Resumption:
    """When and where a process resumed a run, and what had changed since it began."""

    at: str
    from_epoch: int
    from_step: int
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A run's environment, data, times and outcome, and the checksums of its files.

    Attributes:
        spec: the checksum of the run's spec.
        started: when the run began, as `ended`, in ISO 8601 with the offset from UTC.
        inputs: the model's inputs, as prepared.
        data: the data sets by name.
        initial_weights: the checksum of the file that the training started from.
        better: which values of each metric are better; None if that is unknown.
        components: `distribution==version` of each component, by kind and type.
        engine: the compiled kernels, `recorded` without any, or `numpy`; and the versions of their
            compilers.
        resumed: an entry for each resumption.
        seconds: how long the run took, over all sessions.
        epochs: number of epochs trained.
        stopped: why a callback ended the training early.
        restored: where the model's parameters come from if a callback replaced the last ones.
        baseline: the best constant prediction by data set.
        references: by data set, the forecasts that it declares, such as seasonal naive ones.
        files: the checksums of the run's files by name.
        error: why the run failed.
    """

    status: Literal["running", "finished", "interrupted", "failed"]
    name: str
    seed: int
    spec: str
    started: str
    inputs: Annotated[tuple[StoredInput, ...], Field(min_length=1)]
    data: dict[str, UsedData]
    initial_weights: Omitted[str | None] = None
    better: dict[str, Better | None]
    components: dict[str, dict[str, str]]
    engine: dict[str, str]
    declnet: str
    python: str
    numpy: str
    blas: dict[str, str]
    platform: str
    machine: str
    resumed: Omitted[tuple[Resumption, ...]] = ()
    ended: Omitted[str | None] = None
    seconds: Omitted[float | None] = None
    epochs: Omitted[int | None] = None
    stopped: Omitted[str | None] = None
    restored: Omitted[str | None] = None
    baseline: Omitted[dict[str, Baseline]] = field(default_factory=dict)
    references: Omitted[dict[str, tuple[Baseline, ...]]] = field(default_factory=dict)
    warnings: Omitted[tuple[str, ...]] = ()
    files: Omitted[dict[str, str]] = field(default_factory=dict)
    error: Omitted[str | None] = None

    @property
    def kernels(self) -> Literal["numpy", "jit"]:
        """What `kernels = "auto"` stands for in this run."""
        return "numpy" if self.engine["kernels"] == "numpy" else "jit"

    def written(self) -> dict[str, Any]:
        """Return the manifest as plain values, as in its file."""
        values: dict[str, Any] = MANIFEST_FILE.plain(self)
        return values


def _row(row: dict[str, Any]) -> dict[str, Any]:
    if type(row.get("epoch")) is not int:
        raise ValueError("is not a logged epoch")
    return row


MANIFEST_FILE = Stored[Manifest](Manifest)
METRICS_FILE = Stored[Metrics](Metrics)
_Row = Annotated[dict[str, int | float | None], AfterValidator(_row)]
HISTORY_ROW = Stored[dict[str, Any]](_Row)
_HISTORY = Stored[list[dict[str, Any]]](list[_Row])


def read_manifest(directory: Path) -> Manifest:
    """Read a run's manifest; raise OutputError if it cannot be read."""
    return read_json(directory / MANIFEST, MANIFEST_FILE)


def read_metrics(directory: Path) -> Metrics:
    """Return a run's final metrics, none without the file; raise OutputError if unreadable."""
    path = directory / METRICS
    return read_json(path, METRICS_FILE) if os.path.lexists(path) else {}


def parse_history(content: bytes, path: Path) -> list[dict[str, Any]]:
    """Return the rows of a history, without a last line that a kill cut off.

    Raises:
        OutputError: a line is malformed.
    """
    lines = content.split(b"\n")[:-1]
    with reading(path):
        try:
            return _HISTORY.parse(b"[" + b",".join(lines) + b"]")  # one call takes half the time
        except ValueError:
            for number, line in enumerate(lines, 1):
                try:
                    HISTORY_ROW.parse(line)
                except ValueError as error:
                    raise ValueError(f"line {number}: {error}") from None
            raise
