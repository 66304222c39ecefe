"""The history as TensorBoard events."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import PurePath
from typing import Any

from pydantic import Field, field_validator

from declnet import Callback, Diagnostic, EpochLogged, Run, RunContext


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
