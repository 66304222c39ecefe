"""Callbacks that write the history elsewhere: a CSV file, TensorBoard."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from pydantic import Field, field_validator

from declnet import Callback, Diagnostic, EpochLogged, Run, RunContext, grouped_run
from declnet_plugins.standard.callbacks.table_file import TableCallback, TableFile


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


REPETITIONS = ("seed", "fold")
"""Values that vary between repetitions of the same training."""


@dataclass
class Events:
    """The writer (None if nothing is written) and the next epoch."""

    writer: Any
    epoch: int


class TensorBoard(Callback):
    """Scalars for each logged epoch: `loss/train`, `loss/validation`, …, and `learning_rate`.

    At the end, `loss/test` and so on. `tensorboard --logdir runs` shows all runs side by side. In
    a resumed run, repeated epochs replace the earlier ones. Of the runs of a sweep, a study, or of
    several seeds or folds, the tab HPARAMS compares the values that vary and the metrics; runs that
    differ in nothing but the seed or fold are one row. Needs the extra `tensorboard`.
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
                "the callback tensorboard needs TensorBoard", 'pip install "declnet[tensorboard]"'
            )

    def start(self, run: Run) -> Events:
        """Open an event file; entries of a killed run from before its first checkpoint are void."""
        folder = run.directory / self.folder if run.directory is not None else None
        if folder is not None and folder.is_dir():
            return self.restore(run, {"epoch": 0})
        state = self._opened(run, 0)
        self._describe(state, run)
        return state

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

    def _describe(self, state: Events, run: Run) -> None:
        """Add what the tab HPARAMS shows of a run of a group."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        grouped = grouped_run(run.directory) if run.directory is not None else None
        if state.writer is None or grouped is None:
            return
        values = {key: _plain(value) for key, value in grouped.values.items()}
        alike = {key: value for key, value in values.items() if key not in REPETITIONS} or values
        summary = hparams_pb(values, trial_id=json.dumps(alike, sort_keys=True))
        state.writer.add_event(Event(wall_time=time.time(), step=0, summary=summary))

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
            scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
            summary = Summary(value=scalars)
            state.writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))

    def _close(self, state: Events) -> None:
        if state.writer is not None:
            state.writer.close()


def _plain(value: Any) -> bool | float | str:
    return value if isinstance(value, bool | int | float | str) else json.dumps(value, default=str)


def _tagged(metrics: Mapping[str, float], data: str) -> dict[str, float]:
    """Return metrics tagged like `loss/train`; TensorBoard groups tags by their prefix."""
    return {f"{name}/{data}": value for name, value in metrics.items()}
