"""A process that reads one ONNX file within limits of memory and time.

Decoding a file and running it is done by code in C++, on what somebody else wrote: it may ask for
any memory, never end, or crash. None of it happens in the process of the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any
from weakref import finalize

import numpy as np

from declnet import Array, DataError, column_type
from declnet_plugins.exchange import ExportedPredictions, LeftoverError
from declnet_plugins.onnx.importing.frames import receive, send

COMMAND = (sys.executable, "-P", "-m", "declnet_plugins.onnx.importing.conversion")

PATIENCE = 5
"""How many times the limit of processor time an answer may take, e.g. on a busy machine."""


class FileProcess:
    """The process of a file; it ends with this object.

    Args:
        path: the file.
        gigabytes: memory that it may take, besides what holds the file's own arrays.
        seconds: processor time that it may take.
    """

    def __init__(self, path: Path, gigabytes: float, seconds: float) -> None:
        self._path, self._gigabytes, self._seconds = path, gigabytes, seconds
        self._process = subprocess.Popen(  # noqa: S603  # a constant command
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C reaches this process alone, which then kills the other
        )
        self._finalize = finalize(self, _end, self._process)

    def convert(
        self, outputs: tuple[str, ...], columns: tuple[str, ...] = ()
    ) -> tuple[Any, dict[str, Array]]:
        """Return what `conversion` makes of the file: a message, and parameters.

        Raises:
            LeftoverError: parts of the file correspond to no layer.
            DataError: the file cannot be read, or not within the limits.
        """
        request = {"path": str(self._path), "outputs": outputs, "columns": columns}
        limits = {"gigabytes": self._gigabytes, "seconds": self._seconds}
        return self._answer(request | limits, {})

    def run(self, x: list[Array]) -> list[Array]:
        """Return the outputs of the file's network for an array for each input.

        Raises:
            DataError: the network cannot be run, or not within the limits.
        """
        _, outputs = self._answer({}, {str(at): array for at, array in enumerate(x)})
        return [outputs[str(at)] for at in range(len(outputs))]

    def run_rows(self, columns: Mapping[str, Array]) -> Mapping[str, ExportedPredictions]:
        """Return the predictions of the file's pipeline for raw columns.

        Raises:
            DataError: the pipeline cannot be run, or not within the limits.
        """
        cells = {name: (column_type(array), array.tolist()) for name, array in columns.items()}
        return predictions_of(*self._answer(cells, {}))

    def _answer(
        self, message: Mapping[str, Any], arrays: Mapping[str, Array]
    ) -> tuple[Any, dict[str, Array]]:
        process = self._process
        assert process.stdin is not None  # noqa: S101  # it was asked for
        assert process.stdout is not None  # noqa: S101
        timer = Timer(PATIENCE * self._seconds, _kill, [process])
        timer.start()
        try:
            send(process.stdin, message, arrays)
            answer, arrays = receive(process.stdout)
        except (EOFError, OSError, ValueError):
            is_late = timer.finished.is_set()
            with suppress(subprocess.TimeoutExpired):  # its status says why it ended
                process.wait(1)
            self._finalize()
            raise self._failure(is_late=is_late) from None
        except BaseException:  # Ctrl-C
            self._finalize()
            raise
        finally:
            timer.cancel()
        if "leftovers" in answer:
            raise LeftoverError(self._path, tuple(answer["leftovers"]))
        if "memory" in answer:
            raise self._memory_failure(f"{self._path} needs too much memory")
        if "error" in answer:
            raise DataError(answer["error"], hint=answer["hint"])
        return answer, dict(arrays)

    def _failure(self, *, is_late: bool) -> DataError:
        code = self._process.returncode
        if is_late or (hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU):
            return DataError(
                f"{self._path}: reading and running it takes more than {self._seconds:g} s",
                hint="if you trust it, allow more: --set seconds=1000",
            )
        return self._memory_failure(
            f"{self._path}: the process that reads and runs it ended with the status {code}"
        )

    def _memory_failure(self, message: str) -> DataError:
        return DataError(
            f"{message}; its limit is {self._gigabytes:g} GiB, besides the arrays in the file",
            hint="if you trust it, allow more: --set gigabytes=16",
        )


def predictions_of(message: Any, arrays: Mapping[str, Array]) -> Mapping[str, ExportedPredictions]:
    """Return the predictions in an answer about rows."""
    prediction = np.array(message["prediction"], object)
    return {"": ExportedPredictions(prediction, arrays["outputs"], valid=arrays["valid"])}


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:  # Windows
            process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and wait for it."""
    if process.poll() is None:
        _kill(process)
    process.wait()
    for file in (process.stdin, process.stdout):
        if file is not None:
            with suppress(OSError):  # what could not be sent
                file.close()
