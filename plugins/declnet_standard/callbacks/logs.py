"""Callbacks that write the history elsewhere: a CSV file, TensorBoard, MLflow."""

import math
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from pydantic import Field, field_validator

from declnet import Callback, Diagnostic, EpochLogged, Run, RunContext
from declnet_standard.callbacks.table_file import TableCallback, TableFile

LONGEST_VALUE = 500

AT_ONCE = 100
"""Most characters in a parameter and parameters in a request that every server accepts."""


class CsvLog(TableCallback):
    """A row for each logged epoch, with the names of the metrics in the first.

    Numbers are written with all digits. A resumed run continues the table.
    """

    type = "csv_log"
    examples = ({}, {"path": "epochs.csv"})

    path: str = Field(default="history.csv", description="a file's name, in the run's folder")

    def start(self, run: Run) -> TableFile:
        """Create an empty file."""
        return TableFile.created(run.directory, self.path)

    def save(self, state: TableFile) -> dict[str, Any]:
        """Flush the table to disk and return its length."""
        return state.saved()

    def restore(self, run: Run, saved: dict[str, Any]) -> TableFile:
        """Truncate the table to its length at the checkpoint.

        Raises:
            ValueError: the table is shorter than it was at the checkpoint.
        """
        return TableFile.restored(run.directory, self.path, saved)

    def epoch_finished(self, state: TableFile, epoch: EpochLogged) -> None:
        """Add a row."""
        state.add(epoch.row())


@dataclass
class Events:
    """The writer (None if nothing is written) and the next epoch."""

    writer: Any
    epoch: int


class TensorBoard(Callback):
    """Scalars for each logged epoch: `loss/train`, `loss/validation`, …, and `learning_rate`.

    At the end, `loss/test` and so on. `tensorboard --logdir runs` shows all runs side by side. In
    a resumed run, repeated epochs replace the earlier ones. Needs the extra `tensorboard`.
    """

    type = "tensorboard"

    folder: str = Field(default="tensorboard", description="a folder's name, in the run's folder")

    @field_validator("folder")
    @classmethod
    def _in_the_folder(cls, folder: str) -> str:
        if not folder or PurePath(folder).name != folder or folder.startswith("."):
            raise ValueError("must be the name of a folder in the run's folder")
        return folder

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require the library."""
        if find_spec("tensorboard") is None:
            yield Diagnostic(
                "the callback tensorboard needs TensorBoard",
                'pip install "declnet[tensorboard]"',
            )

    def start(self, run: Run) -> Events:
        """Open an event file."""
        return self._opened(run, 0)

    def save(self, state: Events) -> dict[str, Any]:
        """Flush all events to disk and return the next epoch."""
        if state.writer is not None:
            state.writer.flush()
        return {"epoch": state.epoch}

    def restore(self, run: Run, saved: dict[str, Any]) -> Events:
        """Open another file, which starts by voiding later epochs in the others."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        state = self._opened(run, saved["epoch"])
        if state.writer is not None:
            begins = SessionLog(status=SessionLog.START)
            event = Event(wall_time=time.time(), step=state.epoch, session_log=begins)
            state.writer.add_event(event)
        return state

    def epoch_finished(self, state: Events, epoch: EpochLogged) -> None:
        """Add the metrics."""
        values = {"learning_rate": epoch.learning_rate}
        values |= _tagged(epoch.metrics, "train") | _tagged(epoch.validation, "validation")
        self._add(state, values, epoch.epoch)
        state.epoch = epoch.epoch + 1

    def finished(self, state: Events, metrics: dict[str, dict[str, float]]) -> None:
        """Add the test metrics and close the file."""
        self._add(state, _tagged(metrics.get("test", {}), "test"), state.epoch)
        self._close(state)

    def failed(self, state: Events, error: BaseException) -> None:
        """Close the file."""
        self._close(state)

    def _opened(self, run: Run, epoch: int) -> Events:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if run.directory is None:
            return Events(None, epoch)
        return Events(EventFileWriter(str(run.directory / self.folder)), epoch)

    def _add(self, state: Events, values: Mapping[str, float], step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        if state.writer is not None and values:
            scalars = [Summary.Value(tag=tag, simple_value=each) for tag, each in values.items()]
            summary = Summary(value=scalars)
            state.writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))

    def _close(self, state: Events) -> None:
        if state.writer is not None:
            state.writer.close()


def _tagged(metrics: Mapping[str, float], data: str) -> dict[str, float]:
    """Return metrics tagged like `loss/train`; TensorBoard groups tags by their prefix."""
    return {f"{name}/{data}": value for name, value in metrics.items()}


@dataclass
class Tracked:
    """The client, the MLflow run's ID and the last epoch sent."""

    client: Any
    run_id: str
    last: int


class Mlflow(Callback):
    """A run of MLflow: each key of the spec as a parameter, each number of the history as a metric.

    Metrics keep their history names, with the epoch as step; test metrics are `test_loss` and so
    on. NaN and infinite values are left out. The spec's keys are logged if the run has a folder. A
    resumed run continues the same MLflow run. Needs the extra `mlflow`; sends to the server in
    `tracking_uri`.
    """

    type = "mlflow"
    examples = ({"tracking_uri": "http://localhost:5000", "experiment": "spirals"},)
    works_outside = True

    tracking_uri: str | None = Field(
        default=None,
        description="a server or a database, e.g. http://localhost:5000 or sqlite:///mlflow.db; "
        "default: what MLflow is set to",
    )
    experiment: str = Field(default="declnet", min_length=1, description="made if it is not there")

    def check(self, context: RunContext) -> Iterator[Diagnostic]:
        """Require the library."""
        if find_spec("mlflow") is None:
            yield Diagnostic("the callback mlflow needs MLflow", 'pip install "declnet[mlflow]"')

    def start(self, run: Run) -> Tracked:
        """Start an MLflow run and log the spec's keys."""
        from mlflow.entities import Param

        client = self._client()
        experiment = client.get_experiment_by_name(self.experiment)
        number = (
            experiment.experiment_id
            if experiment is not None
            else client.create_experiment(self.experiment)
        )
        run_id = client.create_run(number, run_name=run.name).info.run_id
        keys: dict[str, Any] = {}
        if run.directory is not None:
            client.set_tag(run_id, "declnet.directory", str(run.directory.absolute()))
            keys = dict(_leaves(tomllib.loads((run.directory / "spec.toml").read_text("utf-8"))))
        params = [Param(key, str(value)[:LONGEST_VALUE]) for key, value in keys.items()]
        for first in range(0, len(params), AT_ONCE):
            client.log_batch(run_id, params=params[first : first + AT_ONCE])
        return Tracked(client, run_id, -1)

    def save(self, state: Tracked) -> dict[str, Any]:
        """Return the MLflow run's ID."""
        return {"run_id": state.run_id}

    def restore(self, run: Run, saved: dict[str, Any]) -> Tracked:
        """Continue the same MLflow run; repeated epochs log identical values."""
        client, run_id = self._client(), saved["run_id"]
        client.update_run(run_id, status="RUNNING")
        known = client.get_metric_history(run_id, "learning_rate")
        return Tracked(client, run_id, max((each.step for each in known), default=-1))

    def epoch_finished(self, state: Tracked, epoch: EpochLogged) -> None:
        """Send the metrics."""
        if epoch.epoch > state.last:
            row = {name: each for name, each in epoch.row().items() if name != "epoch"}
            self._send(state, row, epoch.epoch)
            state.last = epoch.epoch

    def finished(self, state: Tracked, metrics: dict[str, dict[str, float]]) -> None:
        """Send the test metrics and end the run."""
        test = {f"test_{name}": each for name, each in metrics.get("test", {}).items()}
        self._send(state, test, state.last)
        state.client.set_terminated(state.run_id, "FINISHED")

    def failed(self, state: Tracked, error: BaseException) -> None:
        """End the run, with status killed if it was interrupted."""
        interrupted = isinstance(error, KeyboardInterrupt)
        state.client.set_terminated(state.run_id, "KILLED" if interrupted else "FAILED")

    def _client(self) -> Any:
        from mlflow.tracking import MlflowClient

        return MlflowClient(self.tracking_uri)

    def _send(self, state: Tracked, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = {name: each for name, each in values.items() if math.isfinite(each)}
        if finite:
            metrics = [Metric(name, float(each), now, step) for name, each in finite.items()]
            state.client.log_batch(state.run_id, metrics=metrics)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value in a spec with its key, e.g. `model.layers.0.units`."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
