"""What the server counts, for Prometheus.

No label comes from outside: paths are reduced to endpoints, and columns are the models' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from declnet import TrainingCells, UnusualCells, __version__
from declnet_plugins.serve.models import ServedModel
from declnet_plugins.serve.replies import Reply

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""The upper bounds of the histogram's buckets."""


class Metrics:
    """The counters of a process, or of all that share a folder.

    Args:
        models: the models by name.
        folder: where the processes of a server keep their counts, as the environment variable
            PROMETHEUS_MULTIPROC_DIR said when prometheus_client was imported; None for one process.
    """

    def __init__(self, models: Mapping[str, ServedModel], folder: Path | None = None) -> None:
        self._registry = CollectorRegistry()
        counted = self._registry if folder is None else None
        self._requests = Counter(
            "declnet_requests", "Requests.", ("endpoint", "status"), registry=counted
        )
        self._seconds = Histogram(
            "declnet_request_seconds",
            "Time to answer requests for predictions that succeed.",
            ("endpoint",),
            buckets=SECONDS,
            registry=counted,
        )
        self._rows = Counter("declnet_rows", "Rows predicted.", ("model",), registry=counted)
        self._refusals = Counter(
            "declnet_refusals",
            "Requests refused, by diagnostic code, or by HTTP status.",
            ("code",),
            registry=counted,
        )
        self._cells = Counter(
            "declnet_input_cells",
            "Cells unlike the training data: missing, unseen categories, outside of the range.",
            ("model", "column", "kind"),
            registry=counted,
        )
        self._children: dict[tuple[str, ...], Any] = {}
        self._registry.register(_Models(models))
        if folder is None:
            ProcessCollector(registry=self._registry)
        else:
            MultiProcessCollector(self._registry, str(folder))
        for name, served in models.items():
            self._child(self._rows, name)
            for watch in filter(None, served.model.predictor.cell_watches):
                for column in watch.types:
                    for kind in _kinds(watch.training.get(column)):
                        self._child(self._cells, name, column, kind)

    def count(self, endpoint: str, reply: Reply, seconds: float) -> None:
        """Count a request.

        Args:
            endpoint: what it asked for.
            reply: its response.
            seconds: the time from its headers to its response.
        """
        self._child(self._requests, endpoint, str(reply.status)).inc()
        rows = reply.about.get("rows")
        if rows is not None:
            self._child(self._rows, reply.about["model"]).inc(rows)
            self._child(self._seconds, endpoint).observe(seconds)
        problem = reply.about.get("problem")
        if problem is not None:
            self._child(self._refusals, str(problem)).inc()

    def count_cells(self, model: str, unusual: Mapping[str, UnusualCells]) -> None:
        """Count the cells of a model's input that are unlike its training data."""
        for column, cells in unusual.items():
            for kind in ("missing", "unseen", "outside"):
                number = getattr(cells, kind)
                if number:
                    self._child(self._cells, model, column, kind).inc(number)

    def _child(self, metric: Any, *labels: str) -> Any:
        """Return a metric's counter for some labels, which is looked up once."""
        key = (metric._name, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def page(self) -> Reply:
        """Return all counts in Prometheus' text format."""
        return Reply(generate_latest(self._registry), CONTENT_TYPE_LATEST)


def _kinds(cells: TrainingCells | None) -> Iterator[str]:
    """Yield the kinds of unusual cells that a column can have."""
    yield "missing"
    if cells is not None and cells.low is not None:
        yield "outside"
    if cells is not None and cells.categories is not None:
        yield "unseen"


class _Models(Collector):  # type: ignore[misc]
    """The state of the models when it is asked for."""

    def __init__(self, models: Mapping[str, ServedModel]) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        """Yield version, staleness and reloads of each model."""
        info = InfoMetricFamily("declnet_model", "The model that answers.", labels=["model"])
        stale = GaugeMetricFamily(
            "declnet_model_stale",
            "Whether the folder holds another model, which cannot be loaded.",
            labels=["model"],
        )
        reloads = GaugeMetricFamily(
            "declnet_model_reloads", "Reloads since the process started.", labels=["model"]
        )
        for name, served in self._models.items():
            info.add_metric([name], {"version": served.model.version, "declnet": __version__})
            stale.add_metric([name], float(served.error is not None))
            reloads.add_metric([name], served.reloads)
        yield from (info, stale, reloads)
